"""What the small models with random weights of each class are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
SIGLIP = {
    "model_type": "siglip_vision_model",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": 48,
    "patch_size": 8,
}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
UNEVEN = {"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28]}


@dataclass(frozen=True)
class TinyModel:
    """A small checkpoint of one class: its configuration, special tokens and preprocessing."""

    options: Mapping[str, Any]
    """Arguments of the configuration, beside those below."""
    vision: Mapping[str, Any]
    text: Mapping[str, Any]
    """Arguments of the language model's configuration, without its vocabulary."""
    roles: Mapping[str, str]
    """Arguments of the configuration that are ids of special tokens, with these tokens."""
    settings: Mapping[str, Any]
    """Of preprocessing, as video_preprocessor_config.json has them."""
    video: str = "<video>\n"
    """What the chat template writes where the video is."""
    tokenizer_roles: Mapping[str, str] = field(default_factory=dict)
    """Special tokens that the tokenizer knows by names of their own."""
    marks: tuple[str, ...] = ()
    """Further special tokens."""

    @property
    def special_tokens(self) -> list[str]:
        """All special tokens, those of the configuration first."""
        return list(dict.fromkeys([*self.roles.values(), *self.tokenizer_roles.values(), *self.marks]))

    def arguments(self, ids: Mapping[str, int], **text: Any) -> dict[str, Any]:
        """Arguments of the configuration.

        Args:
            ids: of the special tokens.
            text: further ones of the language model: `vocab_size`, `pad_token_id` ...
        """
        return {
            **self.options,
            "vision_config": dict(self.vision),
            "text_config": {**self.text, **text},
            **{role: ids[token] for role, token in self.roles.items()},
        }
