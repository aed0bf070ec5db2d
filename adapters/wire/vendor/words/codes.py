"""Codes: words that stand alone in `code`, `type`, `status` or `reason`.

They are compared without case, `_`, `-` and `.`: `DataInspectionFailed` and `data_inspection_failed` are one
word.
"""

from __future__ import annotations

from typing import Final

from adapters.contract.errors import (
    AuthenticationFailed,
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    Scope,
    ServiceFailed,
)
from adapters.wire.vendor.words.sources import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    CEREBRAS,
    COPILOT,
    DASHSCOPE,
    DEEPSEEK,
    GEMINI,
    GITHUB_MODELS,
    GROQ,
    HTTP,
    LITELLM,
    LITELLM_BUDGETS,
    LLAMA_CPP,
    MISTRAL,
    MOONSHOT,
    NEW_API,
    OPENAI,
    PORTKEY,
    TGI,
    VLLM,
    VOLCENGINE,
    ZHIPU,
)
from adapters.wire.vendor.words.table import FAILING, Section, Words, listed

CODES: Final[tuple[Section, ...]] = (
    Section(ContextTooLong, (
        Words("OpenAI", OPENAI, listed("context_length_exceeded | context_too_large")),
        Words("Anthropic", ANTHROPIC, listed("request_too_large | model_context_window_exceeded")),
        Words("LiteLLM", LITELLM, listed("context_window_exceeded | ContextWindowExceededError")),
        Words("Copilot", COPILOT, listed("model_max_prompt_tokens_exceeded")),
        Words("GitHub Models", GITHUB_MODELS, listed("tokens_limit_reached")),
        Words("llama.cpp", LLAMA_CPP, listed("exceed_context_size_error")),
        Words("Zhipu", ZHIPU, listed("1261")),
        Words("NVIDIA", "https://github.com/NVIDIA/NeMo-Guardrails", listed(
            "prompt_too_long | prompttoolongerror"
        )),
    )),
    Section(ContentRefused, (
        Words("OpenAI", OPENAI, listed("content_policy_violation | moderation_blocked | content_policy")),
        Words("Azure", AZURE, listed("content_filter | ResponsibleAIPolicyViolation | content_filtered")),
        Words("LiteLLM", LITELLM, listed("ContentPolicyViolationError")),
        Words("DashScope", DASHSCOPE, listed(
            "DataInspectionFailed | InternalError.Algo.DataInspectionFailed"
        )),
        Words("Zhipu", ZHIPU, listed("1301")),
        Words("Gemini", GEMINI, listed("PROHIBITED_CONTENT | BLOCKLIST | SAFETY | prompt_blocked")),
        Words("New-API", NEW_API, listed("sensitive_words_detected")),
        Words("Volcengine", VOLCENGINE, listed(
            "SensitiveContentDetected | InputTextSensitiveContentDetected | "
            "OutputTextSensitiveContentDetected | InputTextRiskDetection"
        )),
        Words("Portkey", PORTKEY, listed("hooks_failed | guardrail_violation | guardrails_failed")),
        Words("ZenMux", "https://docs.zenmux.ai/guide/advanced/error-codes.html", listed(
            "safety_check_failed"
        )),
    )),
    Section(ModelNotFound, (
        Words("OpenAI", OPENAI, listed("model_not_found | model_not_available | model_not_accessible")),
        Words("Azure", AZURE, listed("DeploymentNotFound | ModelDeprecated | unsupported_model")),
        Words("Groq", GROQ, listed(
            "model_decommissioned | model_terms_required | model_not_active | "
            "model_permission_blocked_org | model_permission_blocked_project"
        )),
        Words("Copilot", COPILOT, listed(
            "model_not_supported | unsupported_api_for_model | no_available_model_endpoints"
        )),
        Words("GitHub Models", GITHUB_MODELS, listed("unknown_model | unavailable_model")),
        Words("Mistral", MISTRAL, listed("invalid_model | invalid_model_error")),
        Words("Together", "https://github.com/HeyPuter/puter/issues/3168", listed(
            "dedicated_endpoint_not_running"
        )),
        Words("DashScope", DASHSCOPE, listed(
            "ModelNotFound | Model.AccessDenied | AccessDenied.Unpurchased | model_access_denied | "
            "ModelNotFoundError"
        )),
        Words("Zhipu", ZHIPU, listed("1211 | 1311")),
        Words("LiteLLM", LITELLM, listed(
            "key_model_access_denied | team_model_access_denied | user_model_access_denied | "
            "project_model_access_denied"
        )),
        Words("Kiro", "https://github.com/decolua/9router/issues/1187", listed("INVALID_MODEL_ID")),
        Words("New-API", NEW_API, listed("model_price_error")),
    )),
    Section(QuotaExhausted, (
        Words("OpenAI", OPENAI, listed(
            "insufficient_quota | billing_hard_limit_reached | billing_not_active | usage_limit_reached | "
            "usage_not_included | billing_error"
        )),
        Words("Moonshot", MOONSHOT, listed("exceeded_current_quota_error")),
        Words("DeepSeek", DEEPSEEK, listed(
            "insufficient_balance | insufficient_credits | insufficient_credit"
        )),
        Words("Gemini", "https://ai.google.dev/gemini-api/docs/api-errors", listed("payment_required")),
        Words("Copilot", "https://github.com/github/copilot-cli/issues/793", listed("quota_exceeded")),
        Words("DashScope", DASHSCOPE, listed(
            "AccountOverdueError | Arrearage | AllocationQuota.FreeTierOnly | PostpaidBillOverdue | "
            "PrepaidBillOverdue | CommodityNotPurchased"
        )),
        Words("Zhipu", ZHIPU, listed("1113 | 1304 | 1308 | 1309 | 1310")),
        Words("Together", "https://github.com/expectedparrot/edsl/issues/2098", listed("credit_limit")),
        Words("Anthropic", "https://github.com/anthropics/claude-code/issues/54839", listed(
            "credit_balance_too_low | enforced_spend_limit_reached"
        )),
        Words("LiteLLM", LITELLM_BUDGETS, listed("budget_exceeded | BudgetExceededError | ExceededBudget")),
        Words("New-API", NEW_API, listed(
            "insufficient_user_quota | pre_consume_token_quota_failed | insufficient_token_quota"
        )),
        Words("OpenCode", "https://github.com/marcusquinn/aidevops/issues/8229", listed(
            "MonthlyLimitError | CreditsError"
        )),
        Words("Groq", GROQ, listed("blocked_api_access | spend_limit_reached")),
    )),
    Section(RateLimited, (
        Words("OpenAI", OPENAI, listed(
            "rate_limit_exceeded | rate_limit_error | too_many_requests | slow_down | "
            "requests_limit_reached | RateLimitError"
        )),
        Words("Moonshot", MOONSHOT, listed("rate_limit_reached_error")),
        Words("Azure", AZURE, listed("RateLimitReached | rate_limit_reached")),
        Words("Mistral", "https://github.com/raycast/extensions/issues/31107", listed(
            "rate_limited | user_weekly_rate_limited | user_model_rate_limited | user_global_rate_limited"
        )),
        Words("Bedrock", BEDROCK, listed(
            "ThrottlingException | TooManyRequestsException | throttling_error"
        )),
        Words("DashScope", DASHSCOPE, listed(
            "Throttling | Throttling.RateQuota | Throttling.BurstRate | Throttling.AllocationQuota | "
            "limit_requests | limit_burst_rate"
        )),
        Words("Zhipu", ZHIPU, listed("1302 | 1303 | 1305 | 1313")),
        Words("Cerebras", CEREBRAS, listed(
            "too_many_requests_error | queue_exceeded | token_quota_exceeded | request_quota_exceeded"
        )),
        Words("Gemini", "https://github.com/google-gemini/gemini-cli/issues/14831", listed(
            "rateLimitExceeded"
        )),
    )),
    Section(AuthenticationFailed, (
        Words("OpenAI", OPENAI, listed(
            "invalid_api_key | account_deactivated | invalid_organization | organization_deactivated | "
            "missing_scope | token_expired | token_revoked"
        )),
        Words("Anthropic", ANTHROPIC, listed("authentication_error")),
        Words("Gemini", GEMINI, listed(
            "API_KEY_INVALID | API_KEY_EXPIRED | UNAUTHENTICATED | ACCESS_TOKEN_EXPIRED | "
            "API_KEY_SERVICE_BLOCKED | SERVICE_DISABLED | API_KEY_HTTP_REFERRER_BLOCKED | "
            "API_KEY_IP_ADDRESS_BLOCKED | CONSUMER_INVALID | CONSUMER_SUSPENDED"
        )),
        Words("Cerebras", CEREBRAS, listed("wrong_api_key | missing_api_key")),
        Words("Moonshot", MOONSHOT, listed("invalid_authentication_error | incorrect_api_key_error")),
        Words("DashScope", DASHSCOPE, listed("InvalidApiKey | invalid_access_token")),
        Words("Zhipu", ZHIPU, listed("1000 | 1001 | 1002 | 1003 | 1004 | 1110 | 1111 | 1112 | 1121")),
        Words("Bedrock", BEDROCK, listed(
            "UnrecognizedClientException | ExpiredTokenException | ExpiredToken | "
            "InvalidSignatureException | IncompleteSignature | MissingAuthenticationToken | "
            "MissingAuthenticationTokenException | InvalidClientTokenId | NotAuthorized"
        )),
        Words("LiteLLM", LITELLM, listed(
            "auth_error | token_not_found_in_db | expired_key | AuthenticationError | "
            "no_db_connection"
        )),
        Words("Groq", GROQ, listed("organization_restricted")),
        Words("HTTP", HTTP, listed("unauthorized")),
        Words("New-API", NEW_API, listed("invalid_token")),
    )),
    Section(ServiceFailed, (
        Words("OpenAI", OPENAI, listed("engine_overloaded | server_is_overloaded | service_unavailable")),
        Words("Anthropic", ANTHROPIC, listed("overloaded_error")),
        Words("Moonshot", MOONSHOT, listed("engine_overloaded_error")),
        Words("Gemini", "https://github.com/google-gemini/gemini-cli/issues/23520", listed(
            "MODEL_CAPACITY_EXHAUSTED | UNAVAILABLE | DEADLINE_EXCEEDED"
        )),
        Words("Azure", AZURE, listed("NoCapacity | capacity_exceeded")),
        Words("Bedrock", BEDROCK, listed(
            "ServiceUnavailableException | ModelNotReadyException | ModelTimeoutException | "
            "ModelErrorException | ModelStreamErrorException"
        )),
        Words("llama.cpp", LLAMA_CPP, listed("unavailable_error")),
        Words("TGI", TGI, listed("overloaded | model_is_overloaded")),
        Words("DashScope", DASHSCOPE, listed("ModelUnavailable | ModelServiceFailed | ServiceUnavailable")),
        Words("Zhipu", ZHIPU, listed("1312 | 1234")),
        Words("ZenMux", "https://docs.zenmux.ai/guide/advanced/error-codes.html", listed(
            "no_provider_available"
        )),
    )),
    Section(NotWorking, (
        Words("OpenAI", "https://github.com/songquanpeng/one-api/issues/1692", listed(
            "unsupported_country_region_territory"
        )),
    ), scope=Scope.REQUEST, ambiguous=True),
    Section(InvalidRequest, (
        Words("OpenAI", OPENAI, listed(
            "unsupported_parameter | unsupported_value | unknown_parameter | missing_required_parameter | "
            "invalid_type | integer_above_max_value | integer_below_min_value | decimal_above_max_value | "
            "decimal_below_min_value | array_above_max_length | invalid_function_parameters | "
            "invalid_image_url | invalid_image_format | image_parse_error | invalid_base64_image | "
            "unsupported_image_media_type | invalid_json_schema | json_validate_failed"
        )),
        Words("Zhipu", ZHIPU, listed("1210 | 1213 | 1214 | 1215")),
        Words("Azure", AZURE, listed("OperationNotSupported | invalid_parameter_combination")),
    )),
)  # fmt: skip
"""Codes that mean one thing wherever they stand."""

BLAME: Final[tuple[Section, ...]] = (
    Section(AuthenticationFailed, (
        Words("Anthropic", ANTHROPIC, listed("permission_error")),
        Words("Gemini", GEMINI, listed("PERMISSION_DENIED")),
        Words("OpenAI", OPENAI, listed("insufficient_permissions")),
        Words("Bedrock", BEDROCK, listed("AccessDeniedException")),
    )),
    Section(RateLimited, (
        Words("Gemini", GEMINI, listed("RESOURCE_EXHAUSTED")),
        Words("Bedrock", BEDROCK, listed("ServiceQuotaExceededException")),
        Words("Groq", GROQ, listed("tokens | requests")),
    ), statuses=frozenset({None, 200, 429, 503})),
    Section(InvalidRequest, (
        Words("OpenAI", OPENAI, listed(
            "invalid_request_error | invalid_request | bad_request | invalid_parameter | "
            "invalid_parameter_error | invalid_prompt"
        )),
        Words("Gemini", GEMINI, listed("INVALID_ARGUMENT | FAILED_PRECONDITION | OUT_OF_RANGE")),
        Words("vLLM", VLLM, listed(
            "BadRequestError | UnprocessableEntityError | validation_error | VLLMValidationError"
        )),
        Words("TGI", TGI, listed("validation | template_error | tool_error")),
        Words("Bedrock", BEDROCK, listed("ValidationException")),
        Words("DashScope", DASHSCOPE, listed("InvalidParameter")),
    )),
    Section(ServiceFailed, (
        Words("OpenAI", OPENAI, listed(
            "server_error | internal_server_error | internal_error | api_error | InternalServerException"
        )),
        Words("Gemini", GEMINI, listed("INTERNAL | UNKNOWN | ABORTED")),
        Words("TGI", TGI, listed("generation | incomplete_generation | incomplete_generation_stream")),
    )),
    Section(ServiceFailed, (
        Words("New-API", NEW_API, listed(
            "upstream_error | do_request_failed | bad_response | channel_error | get_channel_failed"
        )),
    ), statuses=FAILING),
)  # fmt: skip
"""Codes that only say whose fault it is; they are asked last."""
