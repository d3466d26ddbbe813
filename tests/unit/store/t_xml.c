#include "store/xml.h"
#include "test.h"

static struct str str(const char *s)
{
    return (struct str){s, strlen(s)};
}

TEST(text_of_an_element)
{
    static const struct {
        const char *xml, *name, *text;
    } cases[] = {
        {"<Key>a/b</Key>", "Key", "a/b"},
        {"<r><Keys>no</Keys><Key>yes</Key></r>", "Key", "yes"},
        {"<Key>&lt;&amp;&gt;&quot;&apos;</Key>", "Key", "<&>\"'"},
        {"<Key>&#65;&#x42;&#xe9;&#x20ac;&#x1F600;</Key>", "Key", "AB\u00e9\u20ac\U0001F600"},
        {"<Key>&unknown; & &#; &#x; &#99999999; &#0;</Key>", "Key", "&unknown; & &#; &#x; &#99999999; &#0;"},
        {"<Key/>", "Key", ""},
        {"<Key></Key>", "Key", ""},
        {"<Key xmlns=\"x\">1</Key>", "Key", "1"},
        {"<Key>cut", "Key", NULL},
        {"<Key>cut</Key", "Key", NULL},
        {"<Key", "Key", NULL},
        {"<Ke", "Key", NULL},
        {"", "Key", NULL},
        {"<Key>a&am</Key>", "Key", "a&am"},
        {"<Key>&</Key>", "Key", "&"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].xml);
        CHECK_STR(xml_text(a, str(cases[i].xml), cases[i].name), cases[i].text);
    }
}

TEST(elements_one_after_the_other)
{
    struct str at = str("<l><c><k>1</k></c> <x/><c><k>2</k></c><cc>3</cc><c/></l>"), item;
    auto_arena *a = arena_new();
    CHECK(xml_next("c", &at, &item));
    CHECK_STR(xml_text(a, item, "k"), "1");
    CHECK(xml_next("c", &at, &item));
    CHECK_STR(xml_text(a, item, "k"), "2");
    CHECK(xml_next("c", &at, &item));
    CHECK_INT(item.n, 0);
    CHECK(!xml_next("c", &at, &item));
}

TEST(text_becomes_content)
{
    auto_buf b = BUF(100);
    xml_add(&b, "\"a\"&<b>");
    CHECK_STR(b.p, "&quot;a&quot;&amp;&lt;b&gt;");
}
