"""The section `sign_in` of the settings: who lets people in to the pages of the review, beside passwords."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from monitor.setting_kinds import SECRET, File, Section, Url, Words, secret_text

Role = Literal["viewer", "reviewer", "dpo", "auditor", "admin"]


class OidcSettings(Section):
    """A provider of OpenID Connect."""

    issuer: Url = Field(description="the provider, as its tokens name it")
    client_id: str = Field(min_length=1, description="who we are to it")
    client_secret: SecretStr | None = Field(
        default=None,
        description="our secret there, where it wants one; environment, or better a file",
        json_schema_extra=SECRET,
    )
    client_secret_file: File | None = Field(default=None, description="file that holds it")
    address: Url = Field(description="where people reach these pages, without a path")
    label: str = Field(
        default="your organisation", min_length=1, max_length=60, description="what people call the provider"
    )
    scopes: Words = Field(default=("openid", "profile"), description="what is asked of it; `openid` among it")
    name_claim: str = Field(
        default="preferred_username", min_length=1, description="claim that names the account here"
    )
    role_claim: str | None = Field(
        default=None,
        min_length=1,
        description="claim with groups or roles, dots lead into it; none: accounts are made here first",
    )
    roles: dict[Role, Words] = Field(
        default_factory=dict, description="role here to values of that claim; the first that fits counts"
    )
    ca: File | None = Field(default=None, description="certificates (PEM) to trust in place of the system's")
    leeway_seconds: int = Field(
        default=60, ge=0, le=600, description="seconds that its clock and ours may be apart"
    )
    passwords: bool = Field(default=True, description="local passwords let people in as well")

    @model_validator(mode="after")
    def _whole(self) -> OidcSettings:
        if "openid" not in self.scopes:
            raise ValueError("`scopes` need `openid`")
        if (self.role_claim is None) != (not self.roles):
            raise ValueError("`role_claim` and `roles` go together: where it stands, and what it means")
        return self

    def secret(self) -> str | None:
        """The secret.

        Raises:
            SettingsError: its file cannot be read.
        """
        return secret_text("sign_in.oidc.client_secret", self.client_secret, self.client_secret_file)


class SignInSettings(Section):
    """How people come in to the pages of the review."""

    oidc: OidcSettings | None = Field(default=None, description="a provider of OpenID Connect")
