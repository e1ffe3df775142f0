"""The tightly bound parts of an expression: constants, names, paths, indices, calls and loops.

``syntax`` says what becomes of them and why.
"""

from abc import abstractmethod
from collections.abc import Callable
from functools import lru_cache

import cel

from streams.core.expressions.cost import pattern_weight
from streams.core.expressions.functions import FUNCTIONS, INDEX, LIST, LOOPS, WANTS
from streams.core.expressions.nodes import Node, Syntax
from streams.core.expressions.tokens import ADVICE, Cursor, Token
from streams.core.suggest import suggest

MAX_LOOPS = 10
MAX_LOOP_DEPTH = 2
MAX_WHOLE = 2**53
MAX_NUMBER = 1.7e308
MAX_PATTERN = 200

_CONSTANTS = {"true": True, "false": False, "null": None}


@lru_cache(maxsize=4096)
def _text_of_literal(token: str) -> str:
    """The value of a CEL string literal, escapes resolved by the library."""
    if "\\" not in token and token[0] in "'\"" and not token.startswith(('"""', "'''")):
        return token[1:-1]
    value: str = cel.compile(token).execute({})
    return value


class Members(Cursor):
    """The half of the parser below the operators."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._bound: list[str] = []
        self._syntax = Syntax(Node("", 0, 0))

    @abstractmethod
    def _expression(self) -> Node:
        """A whole expression, with its CEL text."""

    def _member(self) -> Node:
        """Anything between two operators; a path has no CEL text yet, since more of it may follow."""
        node = self._primary()
        while True:
            if self._accept("."):
                node = self._selected(node)
            elif self._accept("["):
                node = self._indexed(node)
            else:
                return node

    def _selected(self, operand: Node) -> Node:
        if self._token.kind != "name":
            raise self._error("Expected a field's name after '.'", "Write x['a name'] for a name with other characters")
        name = self._take()
        if self._accept("("):
            receiver = self._settled(operand)
            return self._loop(name, receiver) if name.text in LOOPS else self._call(name, (receiver,))
        if operand.steps is not None:
            return Node("", operand.start, name.end, steps=(*operand.steps, name.text))
        wants = f"an object with a field {name.text!r}"
        node = self._node(f"{operand.code}.{name.text}", operand.start, (operand,), wants, op=".")
        node.is_field = True
        return node

    def _indexed(self, operand: Node) -> Node:
        index = self._expression()
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
        return self._node(f"{operand.code}[{code}]", operand.start, (operand, index), WANTS["[]"], op="[]")

    def _primary(self) -> Node:
        token = self._take()
        match token.kind:
            case "int" | "float":
                return self._number(token)
            case "string":
                return self._string(token)
            case "name":
                return self._name(token)
            case "op" if token.text == "(":
                inner = self._expression()
                self._expect(")")
                return self._node(f"({inner.code})", token.start, (inner,), op="()")
            case "op" if token.text == "[":
                items = self._list("]", self._expression)
                return self._node(f"[{', '.join(item.code for item in items)}]", token.start, items, op="list")
            case "op" if token.text == "{":
                return self._map(token)
        self._at -= 1
        raise self._unexpected()

    def _map(self, opening: Token) -> Node:
        entries: list[str] = []

        def entry() -> Node:
            key = self._expression()
            if not isinstance(key.literal, str):
                raise self._error("Expected a text as key", "Write {'name': value}", key.start)
            self._expect(":")
            value = self._expression()
            entries.append(f"{key.code}: {value.code}")
            return value

        values = self._list("}", entry)
        return self._node(f"{{{', '.join(entries)}}}", opening.start, values, op="{}")

    def _string(self, token: Token) -> Node:
        try:
            value = _text_of_literal(token.text)
        except ValueError:
            fix = r"Write '\\' for a backslash, or r'…' for a text without escapes"
            raise self._error("Expected an escape that CEL knows", fix, token.start) from None
        if "\0" in value:
            raise self._error("Expected a text without the character U+0000", at=token.start)
        return Node(token.text, token.start, token.end, literal=value)

    def _number(self, token: Token) -> Node:
        text = token.text.rstrip("uU")
        value = float(text) if token.kind == "float" else int(text, 16 if text.startswith("0x") else 10)
        most = MAX_NUMBER if token.kind == "float" else MAX_WHOLE
        if value > most:
            raise self._error(f"Expected a number up to {most}", at=token.start)
        return Node(repr(float(value)), token.start, token.end, literal=float(value))

    def _name(self, token: Token) -> Node:
        if token.text in _CONSTANTS:
            return Node(token.text, token.start, token.end, literal=_CONSTANTS[token.text])
        if token.text in ADVICE or token.text == "in":
            raise self._error(f"Expected a value, but got {token.text!r}", ADVICE.get(token.text, ""), token.start)
        if token.text == "has" and self._token.text == "(":
            return self._has(token)
        if self._accept("("):
            return self._call(token, ())
        if token.text in self._bound:
            return Node(f"u_{token.text}", token.start, token.end, op="x")
        return Node("", token.start, token.end, steps=(token.text,))

    # Calls.

    def _call(self, name: Token, receiver: tuple[Node, ...]) -> Node:
        arguments = receiver + self._list(")", self._expression)
        function = FUNCTIONS.get(name.text)
        if function is None or function.form == ("call" if receiver else "method"):
            raise self._unknown_function(name, receiver)
        if len(arguments) != function.arguments:
            wanted, got = function.arguments - len(receiver), len(arguments) - len(receiver)
            raise self._error(f"Expected {wanted} argument(s) of {name.text}(), but got {got}", at=name.start)
        codes = [argument.code for argument in arguments]
        if function.form == "both" and not receiver:
            codes[0] = f"({codes[0]})"
        start = receiver[0].start if receiver else name.start
        wants = f"{function.wants}, for {name.text}(),"
        node = self._node(function.code.format(*codes), start, arguments, wants, op=name.text)
        node.small = name.text != "string"
        if name.text == "matches":
            self._check_pattern(arguments[1])
            node.weight = pattern_weight(str(arguments[1].literal))
        return node

    def _check_pattern(self, pattern: Node) -> None:
        """The library compiles a pattern at each use: it must be a constant, so that what this takes is known."""
        if not isinstance(pattern.literal, str):
            raise self._error(
                "Expected a constant text as regular expression",
                "Write matches(text, 'a.c'); to look for a text that varies: contains()",
                pattern.start,
            )
        if len(pattern.literal) > MAX_PATTERN:
            raise self._error(f"Expected a regular expression of at most {MAX_PATTERN} characters", at=pattern.start)

    def _unknown_function(self, name: Token, receiver: tuple[Node, ...]) -> Exception:
        known = [*FUNCTIONS, *LOOPS, "has"]
        fix = suggest(name.text, known, "function")
        if name.text in known:
            fix = f"Write {name.text}(x)" if receiver else f"Write x.{name.text}(…)"
        return self._error(f"Unknown {'method' if receiver else 'function'} {name.text!r}", fix, name.start)

    def _has(self, name: Token) -> Node:
        self._expect("(")
        operand = self._member()
        self._expect(")")
        if operand.steps is not None and len(operand.steps) > 1:
            presence = self._syntax.presence
            return self._node(presence.setdefault(operand.steps, f"p{len(presence)}"), name.start, op="has")
        if operand.is_field:
            return self._node(f"has({operand.code})", name.start, operand.children, "an object", op="has")
        raise self._error("Expected a field in has()", "Write has(fields.name)", name.start)

    def _loop(self, name: Token, over: Node) -> Node:
        variable = self._token
        if variable.kind != "name" or variable.text in _CONSTANTS or variable.text in ADVICE:
            raise self._error(f"Expected a name for the element in {name.text}()", f"Write list.{name.text}(x, …)")
        self._take()
        self._expect(",")
        self._bound.append(variable.text)
        self._count_loop(name)
        body = [self._expression()]
        if name.text == "map" and self._accept(","):
            body.append(self._expression())
        self._expect(")")
        self._bound.pop()
        source = LIST.format(over.code) if LOOPS[name.text] else over.code
        code = f"{source}.{name.text}(u_{variable.text}, {', '.join(part.code for part in body)})"
        node = self._node(code, over.start, (over, *body), f"a list, for {name.text}(),", op=name.text)
        node.binds = f"u_{variable.text}"
        node.small = not LOOPS[name.text]
        return node

    def _count_loop(self, name: Token) -> None:
        syntax = self._syntax
        syntax.loops += 1
        syntax.loop_depth = max(syntax.loop_depth, len(self._bound))
        if syntax.loop_depth > MAX_LOOP_DEPTH or syntax.loops > MAX_LOOPS:
            most = f"Expected at most {MAX_LOOP_DEPTH} loops within each other and {MAX_LOOPS} in all"
            raise self._error(most, at=name.start)

    # Nodes.

    def _node(self, code: str, start: int, children: tuple[Node, ...] = (), wants: str = "", *, op: str) -> Node:
        return Node(code, start, self._end, children, wants, op=op)

    def _settled(self, node: Node) -> Node:
        """A path, now known to be complete, gets its variable."""
        if node.steps is not None and not node.code:
            slots = self._syntax.slots
            node.code = slots.setdefault(node.steps, f"v{len(slots)}")
        return node

    def _list(self, close: str, item: Callable[[], Node]) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._accept(close):
            if items:
                self._expect(",")
                if close in "]}" and self._accept(close):
                    break
            items.append(item())
        return tuple(items)
