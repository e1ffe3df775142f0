"""From an expression as a plant engineer writes it to CEL as the library evaluates it.

The grammar is CEL's (github.com/google/cel-spec, langdef.md).  Two things differ, and both need the structure of the
expression, hence a parser here (recursive descent, one method a level of precedence):

* **One kind of number.**  CEL keeps ints and doubles apart: 25.5 + 1 is an error there, and 5 / 2 is 2.  Here every
  literal becomes a double, every whole number of the context does too (``expression``), and where CEL wants an int
  (index, ``%``, results of ``size``), the number is converted on the spot (``functions``).
* **Paths become variables.**  ``fields.flow_temp_c`` turns into one variable ``v0``, so that evaluating does not copy a
  whole reading into the library, and so that an absent field is noticed by its full name.

A node carries its CEL text, built bottom up; the text stays as flat as the source, since the library limits nesting.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cel

from streams.core.expressions.errors import ExpressionSyntaxError
from streams.core.expressions.functions import DIVISOR, FUNCTIONS, INDEX, MACROS, REMAINDER
from streams.core.expressions.path import Steps
from streams.core.expressions.tokens import Token, tokenize
from streams.core.suggest import suggest

MAX_NESTING = 24
MAX_LOOPS = 10
MAX_LOOP_DEPTH = 2
MAX_WHOLE = 2**53

_RELATIONS = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})
_LEVELS = (
    frozenset({"||"}),
    frozenset({"&&"}),
    _RELATIONS,
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_WORDS = {"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!", "is": "=="}
_CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(slots=True)
class Node:
    """A part of an expression: its CEL text, its place in the source, the parts that are evaluated before it.

    ``steps`` is set when the part is nothing but a path.  ``loose`` says that it uses a loop's variable, so it has no
    value of its own.  ``literal`` is the value of a constant; ``is_field`` marks ``x.name``.
    """

    code: str
    start: int
    end: int
    children: tuple["Node", ...] = ()
    steps: Steps | None = None
    loose: bool = False
    literal: Any = ...
    is_field: bool = False


@dataclass(slots=True)
class Syntax:
    """A parsed expression.  ``slots`` maps each path it reads to its CEL variable, ``presence`` the paths in ``has()``."""

    root: Node
    slots: dict[Steps, str] = field(default_factory=dict)
    presence: dict[Steps, str] = field(default_factory=dict)
    loops: int = 0
    loop_depth: int = 0
    builds_lists: bool = False


def parse(text: str) -> Syntax:
    """Raises ``ExpressionSyntaxError`` with the offset of the first mistake."""
    return _Parser(text).parse()


@lru_cache(maxsize=4096)
def text_of_literal(token: str) -> str:
    """The value of a CEL string literal, escapes resolved by the library."""
    if "\\" not in token and token[0] in "'\"" and not token.startswith(('"""', "'''")):
        return token[1:-1]
    value: str = cel.compile(token).execute({})
    return value


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._at = 0
        self._depth = 0
        self._bound: list[str] = []
        self._syntax = Syntax(Node("", 0, 0))

    def parse(self) -> Syntax:
        root = self._expression()
        if self._token.kind != "end":
            raise self._unexpected()
        self._syntax.root = self._settled(root)
        return self._syntax

    # One method a level of precedence, loosest first.

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._error(f"Expected at most {MAX_NESTING} levels of nesting", "Split the expression")
        node = self._binary(0)
        if self._accept("?"):
            condition, yes = self._settled(node), self._settled(self._binary(0))
            self._expect(":")
            no = self._settled(self._expression())
            node = self._node(f"{condition.code} ? {yes.code} : {no.code}", condition.start, (condition, yes, no))
        self._depth -= 1
        return node

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        compared = False
        while self._token.kind != "string" and self._token.text in _LEVELS[level]:
            if compared:
                raise self._error("Expected one comparison at a time", "Write 'a < b && b < c'")
            compared = level == _LEVELS.index(_RELATIONS)
            operator = self._token.text
            self._at += 1
            left = self._join(operator, self._settled(left), self._settled(self._binary(level + 1)))
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
        return self._node(code, left.start, (left, right))

    def _unary(self) -> Node:
        start = self._token.start
        for sign in ("!", "-"):
            count = 0
            while self._accept(sign):
                count += 1
            if count:
                operand = self._settled(self._member())
                node = self._node(sign * count + operand.code, start, (operand,))
                if sign == "-" and isinstance(operand.literal, float):
                    node.literal = operand.literal * (-1) ** count
                return node
        return self._member()

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._accept("."):
                node = self._selected(node)
            elif self._accept("["):
                node = self._indexed(node)
            else:
                return node

    def _selected(self, operand: Node) -> Node:
        name = self._token
        if name.kind != "name":
            raise self._error("Expected a field's name after '.'", "Write x['a name'] for a name with other characters")
        self._at += 1
        if self._accept("("):
            if name.text in MACROS:
                return self._loop(name, self._settled(operand))
            return self._call(name, (self._settled(operand),))
        if operand.steps is not None:
            return Node("", operand.start, name.end, steps=(*operand.steps, name.text))
        node = self._node(f"{operand.code}.{name.text}", operand.start, (operand,))
        node.is_field = True
        return node

    def _indexed(self, operand: Node) -> Node:
        index = self._settled(self._expression())
        self._expect("]")
        literal = index.literal
        if isinstance(literal, float):
            if literal < 0 or literal != int(literal):
                raise self._error("Expected a whole number from 0 as index", at=index.start)
            literal = int(literal)
        if operand.steps is not None and isinstance(literal, str | int) and not isinstance(literal, bool):
            return Node("", operand.start, self._end, steps=(*operand.steps, literal))
        operand = self._settled(operand)
        code = str(literal) if isinstance(literal, int) else INDEX.format(index.code)
        return self._node(f"{operand.code}[{code}]", operand.start, (operand, index))

    def _primary(self) -> Node:
        token = self._token
        if token.kind == "end":
            raise self._unexpected()
        self._at += 1
        match token.kind:
            case "int" | "float":
                return self._number(token)
            case "string":
                value = text_of_literal(token.text)
                if "\0" in value:
                    raise self._error("Expected a text without the character U+0000", at=token.start)
                return Node(token.text, token.start, token.end, literal=value)
            case "name":
                return self._name(token)
            case "op" if token.text == "(":
                inner = self._settled(self._expression())
                self._expect(")")
                return self._node(f"({inner.code})", token.start, (inner,))
            case "op" if token.text == "[":
                items = self._list("]", self._expression)
                return self._node(f"[{', '.join(item.code for item in items)}]", token.start, items)
            case "op" if token.text == "{":
                entries = self._list("}", self._entry)
                return self._node(f"{{{', '.join(entry.code for entry in entries)}}}", token.start, entries)
        self._at -= 1
        raise self._unexpected()

    def _entry(self) -> Node:
        key = self._settled(self._expression())
        if not isinstance(key.literal, str):
            raise self._error("Expected a text as key", "Write {'name': value}", key.start)
        self._expect(":")
        value = self._settled(self._expression())
        return self._node(f"{key.code}: {value.code}", key.start, (value,))

    def _number(self, token: Token) -> Node:
        text = token.text.rstrip("uU")
        value = float(text) if token.kind == "float" else int(text, 16 if text[:2] in ("0x", "0X") else 10)
        if abs(value) > (MAX_WHOLE if token.kind == "int" else 1.7e308):
            raise self._error(f"Expected a number up to {MAX_WHOLE}", at=token.start)
        return Node(repr(float(value)), token.start, token.end, literal=float(value))

    def _name(self, token: Token) -> Node:
        if token.text in _CONSTANTS:
            return Node(token.text, token.start, token.end, literal=_CONSTANTS[token.text])
        if token.text in _WORDS:
            raise self._error(f"Expected a value, but got {token.text!r}", f"Write '{_WORDS[token.text]}'", token.start)
        if token.text == "has" and self._token.text == "(":
            return self._has(token)
        if self._accept("("):
            return self._call(token, ())
        if token.text in self._bound:
            return Node(f"u_{token.text}", token.start, token.end, loose=True)
        return Node("", token.start, token.end, steps=(token.text,))

    # Calls.

    def _call(self, name: Token, receiver: tuple[Node, ...]) -> Node:
        arguments = receiver + self._list(")", self._expression)
        function = FUNCTIONS.get(name.text)
        if function is None or (function.form == ("call" if receiver else "method")):
            known = [*FUNCTIONS, *MACROS, "has"]
            fix = suggest(name.text, known, "function")
            if name.text in known:
                fix = f"Write {'x.' if not receiver else ''}{name.text}(…){'' if not receiver else ' with x inside'}"
            raise self._error(f"Unknown {'method' if receiver else 'function'} {name.text!r}", fix, name.start)
        if len(arguments) != function.arguments:
            wanted = function.arguments - len(receiver)
            raise self._error(
                f"Expected {wanted} argument(s) of {name.text}(), but got {len(arguments) - len(receiver)}",
                at=name.start,
            )
        codes = [argument.code for argument in arguments]
        if function.form == "both" and not receiver:
            codes[0] = f"({codes[0]})"
        return self._node(function.code.format(*codes), arguments[0].start if receiver else name.start, arguments)

    def _has(self, name: Token) -> Node:
        self._expect("(")
        operand = self._expression()
        self._expect(")")
        if operand.steps is not None and len(operand.steps) > 1:
            variable = self._syntax.presence.setdefault(operand.steps, f"p{len(self._syntax.presence)}")
            return self._node(variable, name.start, ())
        if operand.is_field:
            return self._node(f"has({operand.code})", name.start, (operand,))
        raise self._error("Expected a field in has()", "Write has(fields.name)", name.start)

    def _loop(self, name: Token, over: Node) -> Node:
        syntax = self._syntax
        variable = self._token
        if variable.kind != "name" or variable.text in _CONSTANTS:
            raise self._error(f"Expected a name for the element in {name.text}()", f"Write list.{name.text}(x, …)")
        self._at += 1
        self._expect(",")
        self._bound.append(variable.text)
        syntax.loops += 1
        syntax.loop_depth = max(syntax.loop_depth, len(self._bound))
        syntax.builds_lists |= MACROS[name.text]
        if len(self._bound) > MAX_LOOP_DEPTH or syntax.loops > MAX_LOOPS:
            raise self._error(
                f"Expected at most {MAX_LOOP_DEPTH} loops within each other and {MAX_LOOPS} in all", at=name.start
            )
        bodies = [self._settled(self._expression())]
        if name.text == "map" and self._accept(","):
            bodies.append(self._settled(self._expression()))
        self._expect(")")
        self._bound.pop()
        code = f"{over.code}.{name.text}(u_{variable.text}, {', '.join(body.code for body in bodies)})"
        node = self._node(code, over.start, (over, *bodies))
        node.loose = over.loose or bool(self._bound) and any(body.loose for body in bodies)
        return node

    # Tokens.

    def _node(self, code: str, start: int, children: tuple[Node, ...]) -> Node:
        return Node(code, start, self._end, children, loose=any(child.loose for child in children))

    def _settled(self, node: Node) -> Node:
        """A path, now known to be complete, gets its variable."""
        if node.steps is not None and not node.code:
            slots = self._syntax.slots
            node.code = slots.setdefault(node.steps, f"v{len(slots)}")
        return node

    def _list(self, close: str, item: Any) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._accept(close):
            if items:
                self._expect(",")
                if close in "]}" and self._accept(close):
                    break
            items.append(self._settled(item()))
        return tuple(items)

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    @property
    def _end(self) -> int:
        return self._tokens[self._at - 1].end

    def _accept(self, text: str) -> bool:
        if self._token.kind == "op" and self._token.text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._unexpected(f"{text!r}")

    def _unexpected(self, wanted: str = "") -> ExpressionSyntaxError:
        token = self._token
        fix = f"Write '{_WORDS[token.text]}'" if token.text in _WORDS else ""
        if token.kind == "end":
            return self._error(f"Expected {wanted or 'a value'} at the end", fix)
        wanted = wanted or ("an operator or the end" if self._at else "a value")
        return self._error(f"Expected {wanted}, but got {token.text!r}", fix)

    def _error(self, message: str, fix: str = "", at: int | None = None) -> ExpressionSyntaxError:
        offset = self._token.start if at is None else at
        return ExpressionSyntaxError(f"{message} in {self._text!r}", offset, fix)
