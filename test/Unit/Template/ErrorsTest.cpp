//===- ErrorsTest.cpp - what templates are told that cannot be rendered ---===//
//
// A table of each sentence that the library says about a template, with the line it names.
// Kinds and words are those of Jinja and Python, where these have them.
//
//===----------------------------------------------------------------------===//
#include "runtime/template/Template.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::text;

namespace {

struct Case {
  const char *source;
  const char *message; ///< kind and sentence
  int line = 1;        ///< 0: none is known
  const char *context = "{}";
};

/// What is said of a template, "" if it renders.
std::string refusal(const Case &test) {
  auto parsed = Template::parse(test.source);
  auto rendered =
      parsed ? parsed->render(Context::parse(test.context)) : Expected<Rendered>(parsed.failure());
  return rendered ? "" : rendered.failure().where + ": " + rendered.failure().what;
}

void expectRefusals(std::initializer_list<Case> cases) {
  for (const Case &test : cases) {
    std::string where = "chat template";
    if (test.line > 0) {
      where += ", line " + std::to_string(test.line);
    }
    EXPECT_EQ(refusal(test), where + ": " + test.message) << "of " << test.source;
  }
}

} // namespace

TEST(TemplateErrors, OfCharacters) {
  expectRefusals({
      {"a\n{% raw %}\nx", "TemplateSyntaxError: Missing end of raw directive", 2},
      {"\n{# x", "TemplateSyntaxError: Missing end of comment tag", 2},
      {"{{ ) }}", "TemplateSyntaxError: unexpected ')'"},
      {"{{ (1\n] }}", "TemplateSyntaxError: unexpected ']', expected ')'", 2},
      {"{{ \xC2\xB2 }}", "TemplateSyntaxError: Invalid character in identifier"},
      {"{{ 1 ? 2 }}", "TemplateSyntaxError: unexpected char '?' at 5"},
      {"{{ 'x }}", "TemplateSyntaxError: unexpected char \"'\" at 3"},
      {R"({{ '\x1' }})", R"(TemplateSyntaxError: truncated \xXX escape)"},
      {R"({{ '\u12' }})", R"(TemplateSyntaxError: truncated \uXXXX escape)"},
      {R"({{ '\U00110000' }})", "TemplateSyntaxError: illegal Unicode character"},
      {R"({{ '\N{DASH}' }})", R"(TemplateSyntaxError: the escape \N{name} is not supported)"},
      {"{{\n9223372036854775808 }}",
       "TemplateSyntaxError: the integer 9223372036854775808 does not fit in 64 bits", 2},
      {"{{ 0x10000000000000000 }}",
       "TemplateSyntaxError: the integer 0x10000000000000000 does not fit in 64 bits"},
  });
}

TEST(TemplateErrors, OfExpressions) {
  expectRefusals({
      {"{{ }}", "TemplateSyntaxError: Expected an expression, got 'end of print statement'"},
      {"{{ 1 +\n* }}", "TemplateSyntaxError: unexpected '*'", 2},
      {"{{ 1 2 }}", "TemplateSyntaxError: expected token 'end of print statement', got 'integer'"},
      {"{{ x.'a' }}", "TemplateSyntaxError: expected name or number"},
      {"{{ x[1:2, 3] }}",
       "TemplateSyntaxError: a slice within several subscripts is not supported"},
      {"{{ f(*a, *b) }}", "TemplateSyntaxError: invalid syntax for function call expression"},
      {"{{ f(**a, **b) }}", "TemplateSyntaxError: invalid syntax for function call expression"},
      {"{{ f(**a, b=1) }}", "TemplateSyntaxError: invalid syntax for function call expression"},
      {"{{ x is string is string }}",
       "TemplateSyntaxError: You cannot chain multiple tests with is"},
      {"{{ x[1 }}", "TemplateSyntaxError: unexpected '}', expected ']'"},
      {"{{ x | }}", "TemplateSyntaxError: expected token 'name', got 'end of print statement'"},
      {"{{ x is }}", "TemplateSyntaxError: expected token 'name', got 'end of print statement'"},
      {"{{ {1} }}", "TemplateSyntaxError: expected token ':', got '}'"},
      {"{{ x | nothing }}", "TemplateAssertionError: No filter named 'nothing'."},
      {"\n{{ x is nothing }}", "TemplateAssertionError: No test named 'nothing'.", 2},
  });
}

TEST(TemplateErrors, OfTags) {
  expectRefusals({
      {"{% 1 %}", "TemplateSyntaxError: tag name expected"},
      {"\n{% extends 'x' %}",
       "TemplateSyntaxError: the tag 'extends' is not supported: a chat template stands alone", 2},
      {"{% break %}", "TemplateSyntaxError: 'break' outside loop"},
      {"{% for i in x %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}",
       "TemplateSyntaxError: 'continue' outside loop"},
      {"{% set 1 = 2 %}", "TemplateSyntaxError: can't assign to 'const'"},
      {"{% set [a] = 2 %}", "TemplateSyntaxError: can't assign to 'list'"},
      {"{% set {} = 2 %}", "TemplateSyntaxError: can't assign to 'dict'"},
      {"{% set a, 1 = 2 %}", "TemplateSyntaxError: can't assign to 'tuple'"},
      {"{% for x %}", "TemplateSyntaxError: expected token 'in', got 'end of statement block'"},
      {"{% macro m(a=1, b) %}{% endmacro %}",
       "TemplateSyntaxError: non-default argument follows default argument"},
      {"{% macro m(1) %}{% endmacro %}",
       "TemplateSyntaxError: expected token 'name', got 'integer'"},
      {"{% macro m %}{% endmacro %}",
       "TemplateSyntaxError: expected token '(', got 'end of statement block'"},
      {"{% call x %}{% endcall %}", "TemplateSyntaxError: expected call"},
      {"{% nothing %}", "TemplateSyntaxError: Encountered unknown tag 'nothing'."},
      {"{% if x %}\n{% endfor %}",
       "TemplateSyntaxError: Encountered unknown tag 'endfor'. Jinja was looking for the following "
       "tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'.",
       2},
      {"{% for i in x %}{% if i %}{% endfor %}",
       "TemplateSyntaxError: Encountered unknown tag 'endfor'. You probably made a nesting "
       "mistake. "
       "Jinja is expecting this tag, but currently looking for 'elif' or 'else' or 'endif'. The "
       "innermost block that needs to be closed is 'if'."},
      {"{% filter upper %}\nx",
       "TemplateSyntaxError: Unexpected end of template. Jinja was looking for the following tags: "
       "'endfilter'. The innermost block that needs to be closed is 'filter'.",
       2},
      {"{% set x = 1",
       "TemplateSyntaxError: unexpected end of template, expected 'end of statement "
       "block'."},
  });
}

TEST(TemplateErrors, OfNumbers) {
  expectRefusals({
      {"a\n{{ 1 // 0 }}", "ZeroDivisionError: integer division or modulo by zero", 2},
      {"{{ 1 % 0 }}", "ZeroDivisionError: integer modulo by zero"},
      {"{{ 1 / 0 }}", "ZeroDivisionError: division by zero"},
      {"{{ 1.0 / 0 }}", "ZeroDivisionError: float division by zero"},
      {"{{ 1.0 // 0 }}", "ZeroDivisionError: float floor division by zero"},
      {"{{ 1.0 % 0 }}", "ZeroDivisionError: float modulo"},
      {"{{ 0 ** -1 }}", "ZeroDivisionError: 0.0 cannot be raised to a negative power"},
      {"{{ 0.0 ** -1 }}", "ZeroDivisionError: 0.0 cannot be raised to a negative power"},
      {"{{ 2 ** 64 }}", "OverflowError: the result does not fit in a 64-bit integer"},
      {"{{ 9223372036854775807 + 1 }}",
       "OverflowError: the result does not fit in a 64-bit integer"},
      {"{{ -9223372036854775807 - 2 }}",
       "OverflowError: the result does not fit in a 64-bit integer"},
      {"{{ 9223372036854775807 * 2 }}",
       "OverflowError: the result does not fit in a 64-bit integer"},
      {"{{ (-9223372036854775807 - 1) // -1 }}",
       "OverflowError: the result does not fit in a 64-bit integer"},
      {"{{ -(-9223372036854775807 - 1) }}",
       "OverflowError: the result does not fit in a 64-bit integer"},
      {"{{ 10.0 ** 400 }}", "OverflowError: (34, 'Numerical result out of range')"},
      {"{{ 1e300 | int }}", "OverflowError: the result does not fit in a 64-bit integer"},
      {"{{ 9223372036854775807 | round(-19) }}",
       "OverflowError: the result does not fit in a 64-bit integer"},
      {"{{ 9223372036854775807 | round(-1) }}",
       "OverflowError: the result does not fit in a 64-bit integer"},
      {"{{ 1 | round(0, 'up') }}", "FilterArgumentError: method must be common, ceil or floor"},
      {"{{ 'x' | round }}", "TypeError: type str doesn't define __round__ method"},
      {"{{ 'x' | abs }}", "TypeError: bad operand type for abs(): 'str'"},
      {"{{ -'x' }}", "TypeError: bad operand type for unary -: 'str'"},
      {"{{ +[] }}", "TypeError: bad operand type for unary +: 'list'"},
      {"{{ range(1, 2, 0) }}", "ValueError: range() arg 3 must not be zero"},
      {"{{ range(100001) }}", "OverflowError: Range too big. The sandbox blocks ranges larger than "
                              "MAX_RANGE (100000)."},
      {"{{ [1] | slice(0) | list }}", "ZeroDivisionError: integer division or modulo by zero"},
  });
}

TEST(TemplateErrors, OfOperands) {
  expectRefusals({
      {"{{ 'a' + 1 }}", "TypeError: can only concatenate str (not \"int\") to str"},
      {"{{ [] + (1,) }}", "TypeError: can only concatenate list (not \"tuple\") to list"},
      {"{{ 1 + 'a' }}", "TypeError: unsupported operand type(s) for +: 'int' and 'str'"},
      {"{{ 'a' * 'b' }}", "TypeError: can't multiply sequence by non-int of type 'str'"},
      {"{{ none ** 2 }}", "TypeError: unsupported operand type(s) for ** or pow(): 'NoneType' and "
                          "'int'"},
      {"{{ {} - 1 }}", "TypeError: unsupported operand type(s) for -: 'dict' and 'int'"},
      {"{{ 1 < 'a' }}", "TypeError: '<' not supported between instances of 'int' and 'str'"},
      {"{{ 1 in 'a' }}", "TypeError: 'in <string>' requires string as left operand, not int"},
      {"{{ 1 in 2 }}", "TypeError: argument of type 'int' is not iterable"},
      {"{{ {[]: 1} }}", "TypeError: unhashable type: 'list'"},
      {"{{ 'abc'['a':] }}",
       "TypeError: slice indices must be integers or None or have an __index__ method"},
      {"{{ 'abc'[::0] }}", "ValueError: slice step cannot be zero"},
      {"{{ 1() }}", "TypeError: 'int' object is not callable"},
      {"{{ range(3)() }}", "TypeError: 'range' object is not callable"},
      {"{{ x() }}", "UndefinedError: 'x' is undefined"},
      {"{{ x.y }}", "UndefinedError: 'x' is undefined"},
      {"{{ (1 if false) + 1 }}",
       "UndefinedError: the inline if-expression on line 1 evaluated to false and no else section "
       "was defined."},
      {"{% for i in 1 %}{% endfor %}", "TypeError: 'int' object is not iterable"},
      {"{% set a, b = 1 %}", "TypeError: 'int' object is not iterable"},
      {"{% set a, b = [1] %}", "ValueError: not enough values to unpack (expected 2, got 1)"},
      {"{% set a, b = 'abc' %}", "ValueError: too many values to unpack (expected 2)"},
      {"{% set x.y = 1 %}",
       "TemplateRuntimeError: cannot assign attribute on non-namespace object"},
      {"{% set n = namespace() %}\n{% set n._x = 1 %}",
       "SecurityError: Chat templates cannot store underscore-prefixed attributes on a namespace, "
       "but got '_x'. Please rename the attribute.",
       2},
  });
}

TEST(TemplateErrors, OfCalls) {
  expectRefusals({
      {"{{ range(a=1, a=2) }}", "SyntaxError: keyword argument repeated: a"},
      {"{{ range(*1) }}", "TypeError: 'int' object is not iterable"},
      {"{{ dict(**1) }}", "TypeError: argument after ** must be a mapping, not int"},
      {"{{ dict(**{1: 2}) }}", "TypeError: keywords must be strings"},
      {"{{ range() }}", "TypeError: range() missing a required argument: 'start'"},
      {"{{ range(1, 2, 3, 4) }}", "TypeError: range() takes at most 3 arguments (4 given)"},
      {"{{ range(1, end=2) }}", "TypeError: range() got an unexpected keyword argument 'end'"},
      {"{{ range(1, start=2) }}", "TypeError: range() got multiple values for argument 'start'"},
      {"{{ range('a') }}", "TypeError: 'str' object cannot be interpreted as an integer"},
      {"{{ 'a'.split(1) }}", "TypeError: split() expects a string, not 'int'"},
      {"{{ dict(1, 2) }}", "TypeError: dict expected at most 1 argument, got 2"},
      {"{{ dict([[1]]) }}",
       "ValueError: dictionary update sequence element has length 1; 2 is required"},
      {"{{ namespace({1: 2}) }}", "TypeError: a namespace has attributes with names only"},
      {"{{ cycler() }}", "RuntimeError: at least one item has to be provided"},
      {"{{ raise_exception('no ' ~ 1) }}", "TemplateError: no 1"},
      {"{% macro m(a) %}{% endmacro %}{{ m(b=1) }}",
       "TypeError: macro 'm' takes no keyword argument 'b'"},
      {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
       "TypeError: macro 'm' takes not more than 1 argument(s)"},
      {"{% macro m(caller=1) %}{% endmacro %}{% call m(2) %}{% endcall %}",
       "TypeError: macro 'm' was invoked with two values for the special caller argument. This is "
       "most likely a bug."},
      {"{% macro m() %}{{ caller() }}{% endmacro %}\n{{ m() }}",
       "UndefinedError: No caller defined"},
      {"{% for i in [1] %}{{ loop.cycle() }}{% endfor %}", "TypeError: no items for cycling given"},
      {"{% for i in [1] %}\n{{ loop([2]) }}{% endfor %}",
       "TypeError: The loop must have the 'recursive' marker to be called recursively.", 2},
      {"{{ 1 is divisibleby }}", "TypeError: the test 'divisibleby' takes one argument"},
  });
}

TEST(TemplateErrors, OfFilters) {
  expectRefusals({
      {"{{ [1] | map('nothing') | list }}", "TemplateRuntimeError: No filter named 'nothing'."},
      {"{{ [1] | select('nothing') | list }}", "TemplateRuntimeError: No test named 'nothing'."},
      {"{% if false %}{{ 1 | nothing }}{% endif %}{% if true %}\n{{ 1 | other }}{% endif %}",
       "TemplateRuntimeError: No filter named 'other' found.", 2},
      {"{% if true %}{{ 1 is nothing }}{% endif %}",
       "TemplateRuntimeError: No test named 'nothing' found."},
      {"{{ [1] | map }}", "FilterArgumentError: map requires a filter argument"},
      {"{{ [1] | selectattr }}", "FilterArgumentError: Missing parameter for attribute name"},
      {"{{ {} | dictsort(by='size') }}",
       "FilterArgumentError: You can only sort by either \"key\" or \"value\""},
      {"{{ [] | dictsort }}", "AttributeError: 'list' object has no attribute 'items'"},
      {"{{ ['a'] | sum(start='') }}",
       "TypeError: sum() can't sum strings [use ''.join(seq) instead]"},
      {"{{ 1 | length }}", "TypeError: object of type 'int' has no len()"},
      {"{{ 1 | last }}", "TypeError: 'int' object is not reversible"},
      {"{{ 1 | items }}", "TypeError: Can only get item pairs from a mapping."},
      {"{{ 1 | indent }}", "TypeError: unsupported operand type(s) for +=: 'int' and 'str'"},
      {"{{ 'abc' | truncate(2) }}", "AssertionError: expected length >= 3, got 2"},
      {"{{ 'abc' | truncate(5, leeway=-1) }}", "AssertionError: expected leeway >= 0, got -1"},
      {"{{ '%s' | format(1, a=2) }}", "FilterArgumentError: can't handle positional and keyword "
                                      "arguments at the same time"},
      {"{{ [[1]] | urlencode }}", "ValueError: urlencode expects pairs"},
      {"{{ {} | tojson(separators=[',']) }}", "ValueError: separators must be a pair of strings"},
      {"{{ {(1,): 2} | tojson }}",
       "TypeError: keys must be str, int, float, bool or None, not tuple"},
      {"{{ range(3) | tojson }}", "TypeError: Object of type range is not JSON serializable"},
      {"{{ x | tojson }}", "TypeError: Object of type Undefined is not JSON serializable"},
  });
}

TEST(TemplateErrors, OfMethods) {
  expectRefusals({
      {"{{ [1].index(2) }}", "ValueError: 2 is not in list"},
      {"{{ (1,).index(2) }}", "ValueError: tuple.index(x): x not in tuple"},
      {"{{ 'a'.center(3, 'xy') }}",
       "TypeError: The fill character must be exactly one character long"},
      {"{{ ','.join(['a', 1]) }}", "TypeError: sequence item 1: expected str instance, int found"},
      {"{{ 'a'.split('') }}", "ValueError: empty separator"},
      {"{{ 'a'.partition('') }}", "ValueError: empty separator"},
      {"{{ 'a'.index('b') }}", "ValueError: substring not found"},
      {"{{ 'a'.startswith(1) }}",
       "TypeError: startswith first arg must be str or a tuple of str, not int"},
  });
}

TEST(TemplateErrors, OfFormats) {
  expectRefusals({
      {"{{ '{:q}'.format(1) }}", "ValueError: Invalid format specifier"},
      {"{{ '{:d}'.format(1.5) }}",
       "ValueError: Unknown format code 'd' for object of type 'float'"},
      {"{{ '{:d}'.format('a') }}", "ValueError: Unknown format code 'd' for object of type 'str'"},
      {"{{ '{} {}'.format(1) }}",
       "IndexError: Replacement index 1 out of range for positional args tuple"},
      {"{{ '{a}'.format(1) }}", "KeyError: 'a'"},
      {"{{ '{0[a}'.format({}) }}", "ValueError: Missing ']' in format string"},
      {"{{ '}'.format() }}", "ValueError: Single '}' encountered in format string"},
      {"{{ '{'.format() }}", "ValueError: Single '{' encountered in format string"},
      {"{{ '{0'.format(1) }}", "ValueError: expected '}' before end of string"},
      {"{{ '{:{}}'.format(1, 2) }}",
       "ValueError: a replacement field within a format specifier is not supported"},
      {"{{ '%s %s' % 1 }}", "TypeError: not enough arguments for format string"},
      {"{{ '%(a' % {} }}", "ValueError: incomplete format key"},
      {"{{ '%(a)s' % 1 }}", "TypeError: format requires a mapping"},
      {"{{ '%(a)s' % {} }}", "KeyError: 'a'"},
      {"{{ '%5' % 1 }}", "ValueError: incomplete format"},
      {"{{ 'a%y' % 1 }}", "ValueError: unsupported format character 'y' at index 2"},
      {"{{ '%d' % 'a' }}", "TypeError: %d format: a real number is required, not str"},
      {"{{ '%d' % 1e300 }}", "OverflowError: cannot convert float to a 64-bit integer"},
      {"{{ 'a' % 1 }}", "TypeError: not all arguments converted during string formatting"},
      {"{{ '%s' % (1, 2) }}", "TypeError: not all arguments converted during string formatting"},
  });
}

TEST(TemplateErrors, OfLimits) {
  expectRefusals({
      {"{{ 'x' * 9999999999 }}", "ResourceError: a value grows beyond 32 MiB"},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
       "RecursionError: maximum recursion depth exceeded"},
      {"{{ x }}",
       "OverflowError: the integer 9223372036854775808 in the context does not fit in a "
       "64-bit integer",
       0, R"({"x": 9223372036854775808})"},
  });
  std::string deep = std::string(201, '[') + std::string(201, ']');
  EXPECT_EQ(refusal({"x", "", 0, ("{\"x\": " + deep + "}").c_str()}),
            "chat template: RecursionError: the context is nested more than 200 deep");
  EXPECT_EQ(refusal({("{{ " + std::string(500, '(') + " }}").c_str(), ""}),
            "chat template, line 1: TemplateSyntaxError: the template is nested too deeply");
  std::string sums = "{{ x";
  for (int i = 0; i < 1000; ++i) {
    sums += " + x";
  }
  EXPECT_NE(refusal({(sums + " }}").c_str(), ""}).find("TemplateSyntaxError: an expression is "),
            std::string::npos);
  EXPECT_EQ(refusal({"{% set n = namespace(x=[]) %}{% for i in range(300) %}"
                     "{% set n.x = [n.x] %}{% endfor %}",
                     ""}),
            "chat template, line 1: RecursionError: a value is nested more than 200 deep");
  EXPECT_EQ(refusal({"{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}"
                     "{% endfor %}",
                     ""})
                .find("chat template, line 1: ResourceError: the template takes more than "),
            0U);
}

/// What was undefined arithmetic before.
TEST(TemplateErrors, LargestNumbersAreArguments) {
  EXPECT_EQ(refusal({"{{ 'a b'.rsplit(none, 9223372036854775807) }}", ""}), "");
  EXPECT_EQ(refusal({"{{ '-1'.zfill(-9223372036854775807 - 1) }}", ""}), "");
  EXPECT_EQ(refusal({"{{ 1.5 | round(-9223372036854775807 - 1) }}", ""}), "");
}
