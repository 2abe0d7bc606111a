//===- TemplateTest.cpp - what templates render, and who wrote it ---------===//

#include "runtime/template/ChatTemplate.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::text;

static Expected<Rendered> run(std::string_view source, const char *context = "{}") {
  auto parsed = Template::parse(source);
  return parsed ? parsed->render(Context::parse(context)) : Expected<Rendered>(parsed.failure());
}
static std::string render(std::string_view source, const char *context = "{}") {
  auto rendered = run(source, context);
  EXPECT_TRUE(rendered.ok()) << source << ": " << rendered.failure().message();
  return rendered ? rendered->text : "";
}
static std::string refusal(std::string_view source, const char *context = "{}") {
  auto rendered = run(source, context);
  EXPECT_FALSE(rendered.ok()) << source << " gives " << rendered->text;
  return rendered ? "" : rendered.failure().message();
}

TEST(Template, LiteralsAndOperators) {
  EXPECT_EQ(render("a{{ 'b' ~ 1 }}{# gone #}{{ \"c\\n\" }}"), "ab1c\n");
  EXPECT_EQ(render("{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % -3 }} {{ 2 ** 3 }} {{ 7 / 2 }}"),
            "3 -4 -2 8 3.5");
  EXPECT_EQ(render("{{ [1, 'a', none, true, 1.0] }}"), "[1, 'a', None, True, 1.0]");
  EXPECT_EQ(render("{{ {'k': (1, 2)} }}"), "{'k': (1, 2)}");
  EXPECT_EQ(render("{{ 1 if x else 2 }}{{ 'a' in 'bab' and not x }}", R"({"x": []})"), "2True");
  EXPECT_EQ(render("{{ 'abcdef'[1:4] }}{{ 'äöü'[-1] }}{{ [1, 2, 3][::-1] }}"), "bcdü[3, 2, 1]");
  EXPECT_EQ(render("{% raw %}{{ x }}{% endraw %}"), "{{ x }}");
}

TEST(Template, FiltersAndTests) {
  EXPECT_EQ(render("{{ '  x ' | trim | upper }}{{ [3, 1] | sort | join('-') }}"), "X1-3");
  EXPECT_EQ(render("{{ x | default('d') }}{{ x | default('d', true) }}", R"({"x": ""})"), "d");
  EXPECT_EQ(render("{{ m | tojson }}", R"({"m": {"b": "<ü>", "a": [1, null]}})"),
            R"({"b": "<ü>", "a": [1, null]})");
  EXPECT_EQ(render("{{ m | map(attribute='r') | list }}", R"({"m": [{"r": 1}, {"r": 2}]})"),
            "[1, 2]");
  EXPECT_EQ(render("{{ x is defined }}{{ n is none }}{{ 's' is string }}{{ 4 is divisibleby 2 }}",
                   R"({"n": null})"),
            "FalseTrueTrueTrue");
}

TEST(Template, NumbersInEveryBase) {
  EXPECT_EQ(render("{{ '%x %X %o %d' | format(255, 255, 8, -7) }}"), "ff FF 10 -7");
  EXPECT_EQ(render("{{ '%#x|%05d|%.2f|%e' | format(10, 42, 1.005, 12345.0) }}"),
            "0xa|00042|1.00|1.234500e+04");
}

TEST(Template, Loops) {
  EXPECT_EQ(render("{% for i in range(3) %}{{ loop.index }}/{{ loop.length }}{{ ',' if not "
                   "loop.last }}{% endfor %}"),
            "1/3,2/3,3/3");
  EXPECT_EQ(render("{% for i in [] %}x{% else %}none{% endfor %}"), "none");
  EXPECT_EQ(render("{% for i in range(9) if i % 2 %}{% if i == 3 %}{% continue %}{% endif %}"
                   "{% if i > 5 %}{% break %}{% endif %}{{ i }}{% endfor %}"),
            "15");
  EXPECT_EQ(render("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
                   R"({"d": {"z": 1, "a": 2}})"),
            "z=1;a=2;"); // in the order of the JSON
  // What a loop sets is gone after it; a namespace stays.
  EXPECT_EQ(render("{% set n = namespace(x=0) %}{% set y = 0 %}{% for i in [1, 2] %}"
                   "{% set n.x = n.x + i %}{% set y = i %}{% endfor %}{{ n.x }}{{ y }}"),
            "30");
}

TEST(Template, BlocksTakeTheirLinesWithThem) {
  EXPECT_EQ(render("a\n  {% if true %}\nb\n  {% endif %}\nc\n"), "a\nb\nc");
  EXPECT_EQ(render("a \n {{- 'b' -}} \n c"), "abc");
  EXPECT_EQ(render("  {%+ if true %}x{% endif %}"), "  x");
  EXPECT_EQ(render("a{# c #}\nb\n\n"), "ab\n");
}

TEST(Template, ErrorsNameTheirLine) {
  EXPECT_EQ(refusal("a\n{{ 1 + }}").find("chat template, line 2: TemplateSyntaxError"), 0U);
  EXPECT_EQ(refusal("\n\n{% for %}").find("chat template, line 3: "), 0U);
  EXPECT_NE(refusal("{% if x %}").find("endif"), std::string::npos);
  std::string raised = refusal("x\n{% if true %}\n{{ raise_exception('roles!') }}{% endif %}");
  EXPECT_NE(raised.find("line 3"), std::string::npos) << raised;
  EXPECT_NE(raised.find("roles!"), std::string::npos) << raised;
  EXPECT_NE(refusal("{{ a.b.c }}", R"({"a": {}})").find("UndefinedError"), std::string::npos);
  EXPECT_NE(refusal("{{ 1 | nofilter }}").find("nofilter"), std::string::npos);
  EXPECT_NE(refusal("{% include 'x' %}").find("line 1"), std::string::npos);
  EXPECT_FALSE(Template::parse("\xFF").ok());
  EXPECT_FALSE(Template::parse("x")->render(Context::array()).ok());
}

TEST(Template, WorkAndMemoryAreBounded) {
  refusal("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}");
  refusal("{{ 'x' * 999999999999 }}");
  refusal("{{ range(99999999) | list }}");
  refusal("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
  refusal(std::string(100000, '{'));
  refusal("{{ " + std::string(100000, '(') + " }}");
  refusal("{{ " + std::string(100000, '[') + " }}");
  refusal("{{ x.__class__ }}{{ x.__class__.y }}", R"({"x": ""})");
}

TEST(Template, EachByteRemembersItsAuthor) {
  auto rendered = run("{{ bos_token }}U:{{ m.content | trim }}{{ 'é' + m.content[1:3] }}.",
                      R"({"bos_token": "<s>", "m": {"content": " <s>x "}})");
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(rendered->segments, (std::vector<Segment>{
                                    {"<s>U:", true},
                                    {"<s>x", false},
                                    {"é", true},
                                    {"<s", false},
                                    {".", true},
                                }));
}

TEST(Template, NothingOfTheDataBecomesTrusted) {
  const char *context = R"({"x": "ab<s>", "l": ["<s>", "<s>"], "d": {"<s>": "<s>"}})";
  for (const char *source :
       {"{{ x | upper }}", "{{ x | replace('ab', '') }}", "{{ x[2:] }}", "{{ x | tojson }}",
        "{{ l | join }}", "{{ l[0] ~ l[1] }}", "{{ '%s' | format(x) }}", "{{ x * 2 }}", "{{ l }}",
        "{{ x | reverse }}", "{{ x.split('b')[1] }}", "{{ x | e }}", "{% set y = x %}{{ y }}",
        "{% set y %}{{ x }}{% endset %}{{ y }}", "{% for c in x %}{{ c }}{% endfor %}",
        "{% for k in d %}{{ k }}{% endfor %}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x) }}",
        "{% filter upper %}{{ x }}{% endfilter %}"}) {
    auto rendered = run(source, context);
    ASSERT_TRUE(rendered.ok()) << source << rendered.failure().message();
    for (const Segment &segment : rendered->segments) {
      if (segment.trusted) {
        EXPECT_EQ(segment.text.find_first_of("absABS<>"), std::string::npos)
            << source << ": " << segment.text;
      }
    }
  }
}

TEST(ChatTemplate, MessagesCannotSetBos) {
  TokenizerConfig config;
  config.bosToken = "<s>";
  auto chat = Template::parse("{{ bos_token }}{{ messages[0].content }}{{ thinking }}"
                              "{% if add_generation_prompt %}!{% endif %}");
  ChatRequest request;
  request.messages = Context::parse(R"([{"role": "user", "content": "hi"}])");
  request.extra = Context::parse(R"({"thinking": true, "bos_token": "<evil>"})");
  auto rendered = renderChat(*chat, config, request);
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(rendered->text, "<s>hiTrue!");
  request.addGenerationPrompt = false;
  EXPECT_EQ(renderChat(*chat, config, request)->text, "<s>hiTrue");
  request.messages = Context::object();
  EXPECT_FALSE(renderChat(*chat, config, request).ok());
  EXPECT_FALSE(chatTemplateOf(TokenizerConfig{}, false).ok());
}
