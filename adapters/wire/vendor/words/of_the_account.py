"""Phrases that speak of who asks: used up, not allowed."""

from __future__ import annotations

from typing import Final

from adapters.contract.errors import (
    AuthenticationFailed,
    QuotaExhausted,
)
from adapters.wire.vendor.words.sources import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    CEREBRAS,
    CHAT_ANYWHERE,
    COHERE,
    COPILOT,
    DASHSCOPE,
    DEEPSEEK,
    GEMINI,
    GROQ,
    KIMI_CODE,
    LITELLM,
    LITELLM_BUDGETS,
    MINIMAX,
    MISTRAL,
    MOONSHOT,
    NEW_API,
    OPENAI,
    OPENROUTER,
    TOGETHER,
    VERTEX,
    XAI,
    ZHIPU,
)
from adapters.wire.vendor.words.table import Section, Words, listed

USED_UP: Final[tuple[Section, ...]] = (
    Section(QuotaExhausted, (
        Words("ChatAnywhere", CHAT_ANYWHERE, listed(
            "余额 | 额度 … 不足 | 积分 … 不足 | 额度不足 | 积分不足 | balance … insufficient | "
            "balance … not enough | balance … too low"
        )),
        Words("New-API", NEW_API, listed(
            "额度已用尽 | 额度失败 | 额度已用完 | 额度用尽 | quota is not enough | quota … not enough | "
            "quota has been exhausted | 额度已耗尽 | 额度耗尽 | 配额不足 | 配额已"
        )),
        Words("Zhipu", ZHIPU, listed(
            "欠费 | 使用上限 | 调用次数限额 | 套餐已到期 | 无可用资源包 | in arrears | "
            "account is in arrear | no resource package"
        )),
        Words("OpenAI", OPENAI, listed(
            "exceeded your current quota | insufficient_quota | insufficient quota | billing hard limit | "
            "billing … not active | reached your usage limit | hit your usage limit | "
            "hit your daily limit | reached your daily limit | daily limit reached | usage limit reached | "
            "usage limit exceeded | reached … usage limit | exceeded … usage limit | usage limit"
        )),
        Words("Moonshot", MOONSHOT, listed(
            "exceeded current quota | check your plan and billing | check your account balance"
        )),
        Words("Kimi Code", KIMI_CODE, listed("membership benefit")),
        Words("DeepSeek", DEEPSEEK, listed(
            "insufficient balance | insufficient account balance | insufficient_balance | "
            "insufficient funds | out of funds | run out of balance | balance is exhausted | "
            "balance … exhausted | balance … depleted | balance … negative"
        )),
        Words("OpenRouter", OPENROUTER, listed(
            "insufficient credit | key limit exceeded | key … limit exceeded | never purchased credits | "
            "out of credits | no credits | no remaining credits | not have enough credits | "
            "not enough credits | credits exhausted | credits have been exhausted | run out of credits | "
            "add more credits | exceeds your key limit | exceeded … credit"
        )),
        Words("xAI", "https://github.com/continuedev/continue/issues/10373", listed(
            "doesn't have any credits | does not have any credits | used all available credits | "
            "monthly spending limit | spending limit | spend limit | purchase more credits | "
            "purchase credits | buy credits | doesn't have any credits or licenses"
        )),
        Words("Anthropic", "https://github.com/anthropics/claude-code/issues/66314", listed(
            "credit balance | specified api usage limits | extra usage is required"
        )),
        Words("Hugging Face", "https://github.com/huggingface/agents-course/issues/386", listed(
            "monthly included credits | included credits | monthly credits | depleted your"
        )),
        Words("Together", "https://github.com/expectedparrot/edsl/issues/2098", listed(
            "credit limit exceeded | credit limit"
        )),
        Words("Fireworks", "https://github.com/pollinations/pollinations/issues/12136", listed(
            "failure to pay past invoices | unpaid invoice | past invoices | payment required | "
            "payment method | account … past due"
        )),
        Words("Copilot", "https://github.com/github/copilot-cli/issues/793", listed(
            "premium request … exceed | exceeded your premium request | premium request allowance | "
            "out of call volume quota | budget limit | no quota remaining | quota remaining: 0"
        )),
        Words("DashScope", DASHSCOPE, listed(
            "account is in good standing | free tier … exhausted | free quota | free allocated quota | "
            "overdue payment | arrearage | overdue-payment"
        )),
        Words("LiteLLM", LITELLM_BUDGETS, listed(
            "budget has been exceeded | exceededbudget | over budget | exceeded budget | "
            "budgetexceedederror | budget exceeded | crossed budget | max budget | exceededtokenbudget"
        )),
        Words("Ollama", "https://github.com/continuedev/continue/issues/11444", listed(
            "weekly usage limit | session usage limit | hourly usage limit"
        )),
        Words("Cohere", COHERE, listed(
            "monthly limit | monthly quota | reached your monthly | daily quota | exceeded your monthly | "
            "quota … used up"
        )),
        Words("Mistral", MISTRAL, listed(
            "inactive subscription | no active subscription | subscription … expired | "
            "subscription … inactive | usage limit reached"
        )),
        Words("OpenCode", "https://github.com/marcusquinn/aidevops/issues/8229", listed("monthly spending")),
        Words("Huawei MaaS", "https://support.huaweicloud.com/intl/en-us/usermanual-maas-m"
              "odelarts/maas-modelarts-0080.html", listed(
            "quota has been used up | used up your | quota is used up | quota … exhausted | "
            "exhausted your … quota"
        )),
        Words("Vertex", VERTEX, listed(
            "quota exceeded | exceeded … quota | exceeds … quota | quota … exceed | billing … disabled | "
            "billing to be enabled | billing is not enabled | enable billing"
        )),
    )),
)  # fmt: skip

NOT_ALLOWED: Final[tuple[Section, ...]] = (
    Section(AuthenticationFailed, (
        Words("OpenAI", OPENAI, listed(
            "incorrect api key | invalid api key | invalid_api_key | didn't provide an api key | "
            "you must provide an api key | account … deactivated | organization … deactivated | "
            "must be a member of an organization | missing scopes | insufficient permissions | "
            "organization … not found | ip not authorized | ip … not authorized | no api key provided | "
            "no such organization | mismatched organization | mismatched project"
        )),
        Words("ChatAnywhere", CHAT_ANYWHERE, listed("apikey错误 | key错误")),
        Words("Gemini", GEMINI, listed(
            "api key not valid | valid api key | api key expired | api key … expired | api key not found | "
            "api key … leaked | api key … suspended | unregistered callers | api key … not authorized"
        )),
        Words("Vertex", VERTEX, listed("invalid authentication credentials | oauth 2 access token")),
        Words("Cerebras", CEREBRAS, listed("wrong api key")),
        Words("xAI", XAI, listed(
            "api key is … disabled | api key is currently blocked | api key … blocked | "
            "api key … disabled | api key … revoked | api key … deleted"
        )),
        Words("Anthropic", ANTHROPIC, listed(
            "invalid x-api-key | x-api-key header | invalid bearer token | "
            "organization has been disabled | organization … disabled | oauth token has expired | "
            "oauth authentication is currently not | oauth token … revoked | "
            "could not resolve authentication"
        )),
        Words("Azure", AZURE, listed(
            "invalid subscription key | subscription key | access token is missing | "
            "principal … lacks the required | principal does not have access | "
            "resource has been temporarily blocked | audience is incorrect"
        )),
        Words("Bedrock", BEDROCK, listed(
            "security token … invalid | security token … expired | signature … does not match | "
            "not authorized to perform | not authorized to invoke | operation not allowed | "
            "missing authentication token | bearer token has expired"
        )),
        Words("Mistral", MISTRAL, listed("no api key found | unauthorized")),
        Words("Cohere", COHERE, listed(
            "invalid api token | no api key supplied | api token … invalid | api token … deactivated"
        )),
        Words("DeepSeek", DEEPSEEK, listed(
            "authentication fails | api key … is invalid | api key … invalid | governor … authentication"
        )),
        Words("Moonshot", MOONSHOT, listed("invalid authentication | incorrect_api_key | access terminated")),
        Words("Kimi Code", KIMI_CODE, listed(
            "api key appears to be invalid | only available for coding agents"
        )),
        Words("DashScope", DASHSCOPE, listed(
            "invalid api-key | invalid access token | no api-key | not authorized to access this api | "
            "apikey … invalid"
        )),
        Words("Zhipu", ZHIPU, listed(
            "身份验证 | 鉴权失败 | 令牌 … 过期 | authentication token | 账户已被锁定 | 账号已被锁定 | "
            "已被封禁 | 令牌已过期 | 验证失败"
        )),
        Words("New-API", NEW_API, listed(
            "无效的令牌 | 未提供令牌 | 令牌状态不可用 | 令牌不可用 | 该令牌 | 用户已被封禁 | "
            "invalid token | token … has expired | token expired | expired token | 无效的 api | "
            "无效的api | api key 无效 | apikey无效 | 密钥无效 | 密钥错误"
        )),
        Words("OpenRouter", OPENROUTER, listed(
            "no auth credentials | no cookie auth | user not found | missing authentication | "
            "disabled api key | session expired"
        )),
        Words("Groq", GROQ, listed("organization has been restricted | organization … restricted")),
        Words("Hugging Face", "https://huggingface.co/docs/inference-providers", listed(
            "invalid username or password | token seems invalid | invalid credentials | "
            "sufficient permissions to call | authorization header | authorization token | "
            "repository not found"
        )),
        Words("GitHub Models", "https://docs.github.com/rest/overview/troubleshooting", listed(
            "bad credentials | resource not accessible by | permission is required"
        )),
        Words("Copilot", COPILOT, listed(
            "unauthorized: token expired | access to this endpoint is forbidden | "
            "not licensed to use copilot | no copilot subscription"
        )),
        Words("Perplexity", "https://docs.perplexity.ai", listed("authorization required")),
        Words("MiniMax", MINIMAX, listed("login fail | access token invalid")),
        Words("Together", TOGETHER, listed(
            "missing api key | missing_api_key | api key required | api key is required | "
            "api key missing | api key is missing | no api key | api key must be | "
            "provide a valid api key | api_key … invalid | invalid api_key | invalid key | key is invalid"
        )),
        Words("NVIDIA", "https://github.com/dmMaze/BallonsTranslator/issues/1233", listed(
            "authorization failed"
        )),
        Words("LiteLLM", LITELLM, listed(
            "authentication error | authenticationerror | invalid proxy server token | malformed api key | "
            "key … not found in db | expired key | no api key passed in | authentication failed | "
            "failed to authenticate"
        )),
        Words("FastAPI servers", "https://fastapi.tiangolo.com/tutorial/security/", listed(
            "not authenticated | could not validate credentials"
        )),
        Words("Portkey", "https://portkey.ai/docs", listed(
            "account … suspended | account … disabled | account … banned | account … locked | "
            "api key … not found | virtual key … not found"
        )),
    )),
)  # fmt: skip
