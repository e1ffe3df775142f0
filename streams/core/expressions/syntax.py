"""From an expression as a plant engineer writes it to CEL as the library evaluates it.

The grammar is CEL's (github.com/google/cel-spec, doc/langdef.md).  Two things differ, and both need the structure of
the expression, hence a parser here (recursive descent; operators here, what stands between them in
``members``):

* **One kind of number.**  CEL keeps ints and doubles apart: 25.5 + 1 is an error there, and 5 / 2 is 2.  Here every
  literal becomes a double, every whole number of the context does too (``expression``), and where CEL wants an int
  (index, ``%``, results of ``size``), the number is converted on the spot (``functions``).
* **Paths become variables.**  ``fields.flow_temp_c`` turns into one variable ``v0``, so that evaluating does not copy a
  whole reading into the library, and so that an absent field is noticed by its full name.

A node carries its CEL text, built bottom up; the text stays as flat as the source, since the library limits nesting.
"""

from streams.core.expressions.functions import DIVISOR, REMAINDER, WANTS
from streams.core.expressions.members import Members
from streams.core.expressions.nodes import Node, Syntax

MAX_NESTING = 24

_COMPARISONS = 2
_LEVELS = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"<", "<=", ">", ">=", "==", "!=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_ARITHMETIC = _LEVELS[3] | _LEVELS[4]


def parse(text: str) -> Syntax:
    """Raises ``ExpressionSyntaxError`` with the offset of the first mistake."""
    return _Parser(text).parse()


class _Parser(Members):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def parse(self) -> Syntax:
        root = self._expression()
        if self._token.kind != "end":
            raise self._unexpected()
        self._syntax.root = root
        return self._syntax

    # One method a level of precedence, loosest first.  Each returns a node with its CEL text, except that a path gets
    # its variable only when it is known to be complete: _member, which makes paths, is called by _unary alone.

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._error(f"Expected at most {MAX_NESTING} levels of nesting", "Split the expression")
        node = self._binary(0)
        if self._accept("?"):
            yes = self._binary(0)
            self._expect(":")
            no = self._expression()
            node = self._node(f"{node.code} ? {yes.code} : {no.code}", node.start, (node, yes, no), WANTS["?"], op="?")
        self._depth -= 1
        return node

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        first = True
        while self._token.kind in ("op", "name") and self._token.text in _LEVELS[level]:
            if level == _COMPARISONS and not first:
                raise self._error("Expected one comparison at a time", "Write 'a < b && b < c'")
            first = False
            operator = self._take().text
            left = self._join(operator, left, self._binary(level + 1))
        return left

    def _join(self, operator: str, left: Node, right: Node) -> Node:
        code = f"{left.code} {operator} {right.code}"
        if operator == "/":
            if right.literal == 0:
                raise self._error("Expected a divisor other than 0", at=right.start)
            if right.literal is ...:
                code = f"{left.code} / {DIVISOR.format(right.code)}"
        elif operator == "%":
            code = REMAINDER.format(left.code, right.code)
        node = self._node(code, left.start, (left, right), WANTS[operator], op=operator)
        node.truth = operator not in _ARITHMETIC
        node.small = operator != "+"
        return node

    def _unary(self) -> Node:
        start = self._token.start
        for sign in ("!", "-"):
            count = 0
            while self._accept(sign):
                count += 1
            if count:
                operand = self._settled(self._member())
                node = self._node(sign * count + operand.code, start, (operand,), WANTS[f"{sign}x"], op=f"{sign}x")
                node.truth = sign == "!"
                node.small = True
                if sign == "-" and isinstance(operand.literal, float):
                    node.literal = operand.literal * (-1) ** count
                return node
        return self._settled(self._member())
