"""Templates: definitions with parameters.

text ─ read_template ─► Template, or problems ─ fill(values) ─► Filled: JSON values ─ check ─► definition, or problems
                                                                       └─ text ─► YAML with the template's comments

A file is a template by its line ``kind: template``.  ``{{ name }}`` stands for a parameter in any text of
``definition:``.  Alone it becomes the parameter's value, a number or a list too; within a text, its text.  It cannot be
mistaken for an expression: no CEL has a name alone within two braces.  Places of problems are those in the template.
"""

from streams.core.templates.fill import Filled, ParametersError, fill
from streams.core.templates.from_definition import template_text
from streams.core.templates.template import KIND, Parameter, Template, read_template

__all__ = ["KIND", "Filled", "Parameter", "ParametersError", "Template", "fill", "read_template", "template_text"]
