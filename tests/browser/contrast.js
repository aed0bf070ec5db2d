// Returns every piece of text whose contrast is too low: WCAG 2.2, 1.4.3, from computed styles.
// Backgrounds are those of the nearest ancestors, laid over each other; the page has no images behind text.

function parts(colour) {
  const found = colour.match(/[\d.]+/g).map(Number);
  return { rgb: found.slice(0, 3), alpha: found.length > 3 ? found[3] : 1 };
}

function over(top, below) {
  return top.rgb.map((value, place) => value * top.alpha + below[place] * (1 - top.alpha));
}

function background(element) {
  if (element === null) return [255, 255, 255];
  const own = parts(getComputedStyle(element).backgroundColor);
  return own.alpha === 1 ? own.rgb : over(own, background(element.parentElement));
}

function luminance(rgb) {
  const [red, green, blue] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const seen = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim();
  const element = walker.currentNode.parentElement;
  if (!text || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const behind = background(element);
  const ratio = contrast(over(parts(style.color), behind), behind);
  seen.push({ text, ratio, size: parseFloat(style.fontSize) });
}
return seen;
