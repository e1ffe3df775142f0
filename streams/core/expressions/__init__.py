"""The language within the language: conditions, ``${…}`` in texts, and paths.

expression   ``temperature > threshold``   compile_expression(text).test(variables)
template     ``"At ${temperature} °C"``    compile_template(json).render(variables)
path         ``tags.device_id``            compile_path(text).get(document)

``tokens``, ``members`` and ``syntax`` turn our spelling into CEL, ``functions`` lists what may be called, ``cost`` says
what that may take, ``errors`` what may go wrong, ``explain`` finds the part that did; ``cel_alone`` keeps CEL's command
line out.
"""

from streams.core.expressions import cel_alone  # noqa: F401
from streams.core.expressions.errors import CostError, ExpressionError, ExpressionSyntaxError, MissingError
from streams.core.expressions.expression import Expression, compile_expression
from streams.core.expressions.path import MISSING, Missing, Path, compile_path
from streams.core.expressions.secrets import SECRETS, Mark, Secret, filled
from streams.core.expressions.template import Template, compile_template, text_of
from streams.core.expressions.tokens import bare

__all__ = [
    "MISSING",
    "SECRETS",
    "CostError",
    "Expression",
    "ExpressionError",
    "ExpressionSyntaxError",
    "Mark",
    "Missing",
    "MissingError",
    "Path",
    "Secret",
    "Template",
    "bare",
    "compile_expression",
    "compile_path",
    "compile_template",
    "filled",
    "text_of",
]
