//! What the documentation of `java.util.regex.Pattern` (and of `Matcher`) promises, line by line.

use super::{Pattern, Search};

/// The text the first match covers; a dash where there is none.
fn found(body: &str, text: &str) -> String {
    let search = Search::compile(body).unwrap_or_else(|what| panic!("{body}: {what}"));
    let found = search.first(text, &super::Budget::new(100_000)).expect("few steps");
    found.and_then(|found| found.get(0)).map_or("-".to_owned(), |whole| format!("<{}>", whole.as_str()))
}

/// expression, text, first match, why
type Case = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn check(cases: &[Case]) {
    for (body, text, expected, why) in cases {
        assert_eq!(found(body, text), *expected, "/{body}/ on {text:?}: {why}");
    }
}

#[test]
fn characters() {
    check(&[
        (r"\\", r"\", r"<\>", "the backslash character"),
        (r"\07", "\u{7}", "<\u{7}>", "\\0n octal"),
        (r"\052", "*", "<*>", "\\0nn octal"),
        (r"\0101", "A", "<A>", "\\0mnn octal, m up to 3"),
        (r"\0477", "'7", "<'7>", "4 is no first digit of three"),
        (r"\x41", "A", "<A>", "\\xhh"),
        (r"\x{1F600}", "😀", "<😀>", "\\x{h..h}"),
        (r"\u00e9", "é", "<é>", "\\uhhhh"),
        (r"\uD83D\uDE00", "😀", "<😀>", "two halves are one character"),
        (r"\t\n\r\f\a\e", "\t\n\r\x0C\x07\x1B", "<\t\n\r\x0C\x07\x1B>", "named control characters"),
        (r"\cA", "\x01", "<\x01>", "\\cx"),
        (r"\c[", "\x1B", "<\x1B>", "\\cx is x with bit 64 turned"),
        (r"a}b]", "a}b]", "<a}b]>", "closing braces and brackets stand for themselves"),
        (r"\-\@\_\ ", "-@_ ", "<-@_ >", "a backslash before what is no letter takes it as it is"),
    ]);
}

#[test]
fn classes() {
    check(&[
        ("[abc]+", "xcba", "<cba>", "simple"),
        ("[^abc]+", "abx", "<x>", "negation"),
        ("[a-zA-Z]+", "1aZ", "<aZ>", "range"),
        ("[a-d[m-p]]+", "xdmx", "<dm>", "union"),
        ("[a-z&&[def]]+", "abdef", "<def>", "intersection"),
        ("[a-z&&[^bc]]+", "bcad", "<ad>", "subtraction"),
        ("[a-z&&[^m-p]]+", "mpaz", "<az>", "subtraction of a range"),
        ("[a-z&&def]+", "abdef", "<def>", "the right side of && goes up to the bracket"),
        ("[^a-z&&[def]]+", "dax", "<ax>", "^ is of the whole class"),
        ("[]a]+", "]a", "<]a>", "a ] at the beginning stands for itself"),
        ("[^]a]+", "]ab", "<b>", "also behind ^"),
        ("[a-]+", "a-", "<a->", "a hyphen at the end stands for itself"),
        (r"[\w&&[^\d]]+", "12ab", "<ab>", "classes in classes"),
        (r"[\Q[]^-\E]+", "a[-^]", "<[-^]>", "quoting in a class"),
        (r"[.$|()*+?{]+", "a.$|()*+?{", "<.$|()*+?{>", "in a class these mean nothing"),
        (r"[+--a~~]+", "*,-~", "<,-~>", "+-- is a range, -a a hyphen and a letter, and ~~ no operator as in other languages"),
        (r"[\x41-\u0043]+", "xABCD", "<ABC>", "escapes in ranges"),
        (r"[&a]+", "b&a", "<&a>", "one ampersand stands for itself"),
    ]);
}

#[test]
fn predefined_classes() {
    check(&[
        (".", "\n\r\u{85}\u{2028}\u{2029}x", "<x>", "any character but line terminators"),
        (r"\d+", "١2", "<2>", "a digit: [0-9]"),
        (r"\D", "1١", "<١>", "a non-digit: [^0-9]"),
        (r"\w+", "éa_1", "<a_1>", "a word character: [a-zA-Z_0-9]"),
        (r"\W+", "aé-", "<é->", "a non-word character"),
        (r"\s+", "\u{a0}\t\x0B ", "<\t\x0B >", "white space: [ \\t\\n\\x0B\\f\\r]"),
        (r"\S+", " \u{a0}", "<\u{a0}>", "[^\\s]"),
        (r"\h+", "\n \t\u{a0}\u{2003}", "< \t\u{a0}\u{2003}>", "horizontal white space"),
        (r"\H+", " ab", "<ab>", "not horizontal white space"),
        (r"\v+", "a\n\u{85}\u{2029}", "<\n\u{85}\u{2029}>", "vertical white space"),
        (r"\V+", "\nab", "<ab>", "not vertical white space"),
        (r"[\h]+", "a \t", "< \t>", "in a class too"),
        (r"(?U)\d+", "a١2", "<١2>", "U: digits of Unicode"),
        (r"(?U)\w+", " éa", "<éa>", "U: words of Unicode"),
        (r"a\Rb", "a\r\nb", "<a\r\nb>", "any line break, two characters of one included"),
        (r"a\Rb", "a\u{2028}b", "<a\u{2028}b>", "any line break of Unicode"),
    ]);
}

#[test]
fn properties() {
    check(&[
        (r"\p{Lower}+", "éAab", "<ab>", "POSIX: ASCII only"),
        (r"\p{Punct}+", "a!~é", "<!~>", "one of !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        (r"\p{Alnum}+", "é1a", "<1a>", "POSIX"),
        (r"\p{XDigit}+", "gfF9", "<fF9>", "POSIX"),
        (r"\p{Blank}+", "\n \t", "< \t>", "POSIX: a space or a tab"),
        (r"\p{Cntrl}", "a\x7F", "<\x7F>", "POSIX"),
        (r"\P{Alpha}+", "a1é", "<1é>", "negated"),
        (r"[^\p{Alpha}]+", "a1é", "<1é>", "negated class"),
        (r"(?U)\p{Lower}+", "Aéa", "<éa>", "U: by properties of Unicode"),
        (r"(?U)\p{Punct}+", "+!«", "<!«>", "U: symbols are no punctuation"),
        (r"\p{javaLowerCase}+", "Aéa", "<éa>", "java.lang.Character.isLowerCase"),
        (r"\p{javaWhitespace}+", "\u{a0}\u{2003}\x1C", "<\u{2003}\x1C>", "Character.isWhitespace: no no-break spaces"),
        (r"\p{IsLatin}+", "Иé", "<é>", "a script"),
        (r"\p{script=Cyrillic}+", "éИ", "<И>", "a script by its keyword"),
        (r"\p{sc=Grek}+", "aΩ", "<Ω>", "a script by its short name"),
        (r"\p{Lu}+", "aÉ", "<É>", "a category"),
        (r"\p{IsL}+", "1é", "<é>", "a category with Is"),
        (r"\pL+", "1é", "<é>", "a category of one letter"),
        (r"\p{gc=Nd}+", "a١", "<١>", "a category by its keyword"),
        (r"\p{general_category=Sc}", "a€", "<€>", "a category by its long keyword"),
        (r"\p{IsAlphabetic}+", "1éa", "<éa>", "a binary property"),
        (r"\p{IsWhite_Space}+", "a\u{a0} ", "<\u{a0} >", "a binary property"),
        (r"[\p{L}&&[^\p{Lu}]]+", "Aéa", "<éa>", "any letter except an uppercase letter"),
        (r"[\P{L}\P{N}]+", "a1", "<a1>", "two negated properties are united"),
        (r"(?i)\p{Lower}+", "aB1", "<aB>", "ignoring case, a property of one case is that of both"),
    ]);
}

#[test]
fn boundaries() {
    check(&[
        ("^a", "ba\na", "-", "^: the beginning of the input without m"),
        ("(?m)^a", "b\na", "<a>", "m: also behind a line terminator"),
        ("(?m)^", "", "-", "m: not at the end of the input"),
        (r"(?m)\n^(?!a)", "b\n", "-", "m: not at the end of the input, even behind a line terminator"),
        ("b$", "b\n", "<b>", "$: before a final line terminator"),
        ("b$", "b\r\n", "<b>", "also one of two characters"),
        (r"b\r$", "b\r\n", "-", "not between the two characters of a line terminator"),
        ("b$", "b\n\n", "-", "only the final one"),
        ("b$", "b\u{2028}", "<b>", "any line terminator"),
        ("(?d)b$", "b\r", "-", "d: only \\n is one"),
        ("(?d)b.", "b\r", "<b\r>", "d: the dot takes the others"),
        ("(?m)b$", "b\r\na", "<b>", "m: before any line terminator"),
        (r"(?m)\r$", "b\r\na", "-", "m: not between the two characters of one"),
        (r"\Aa", "ba", "-", "the beginning of the input"),
        (r"(?m)b\Z", "b\na", "-", "\\Z: the end, whatever m says"),
        (r"b\Z", "b\n", "<b>", "\\Z: but for the final terminator"),
        (r"b\z", "b\n", "-", "\\z: the end of the input"),
        (r"\bb", "ab b", "<b>", "a word boundary"),
        (r"\bé", "é", "-", "\\b: between \\w and \\W"),
        (r"a\B.", "a ab", "<ab>", "a non-word boundary"),
        (r"\G\d", "1a2", "<1>", "\\G: the end of the previous match, first the beginning"),
    ]);
}

#[test]
fn quantifiers() {
    check(&[
        ("xa?", "xa", "<xa>", "greedy, once or not at all"),
        ("xa??", "xa", "<x>", "reluctant"),
        ("xa?+a", "xa", "-", "possessive: does not give back"),
        (".*foo", "xfooxfoo", "<xfooxfoo>", "greedy: backs off from the end"),
        (".*?foo", "xfooxfoo", "<xfoo>", "reluctant: begins with nothing"),
        (".*+foo", "xfooxfoo", "-", "possessive: takes all and never backs off"),
        ("a{2}", "aaa", "<aa>", "exactly n times"),
        ("a{2,}", "aaa", "<aaa>", "at least n times"),
        ("a{1,2}?", "aaa", "<a>", "reluctant, n to m times"),
        ("a{1,2}+a", "aa", "-", "possessive, n to m times"),
        ("(?>a+)a", "aa", "-", "an independent group"),
        (r"\Qab\E+", "abb", "<abb>", "a quantifier behind a quotation is of its last character"),
    ]);
}

#[test]
fn groups_and_references() {
    check(&[
        (r"(a)(b)\2\1", "abba", "<abba>", "whatever the nth group matched"),
        (r"(?<x>a)\k<x>", "aa", "<aa>", "whatever the named group matched"),
        (r"(a)\11", "aa1", "<aa1>", "11 is group 1 and a 1 while there are not 11 groups"),
        (r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)\11", "abcdefghijkk", "<abcdefghijkk>", "11 is group 11 where there is one"),
        (r"\1(a)", "aa", "-", "a reference to a group that is still to come fails"),
        (r"(a)?b\1", "b", "-", "a reference to a group that took no part fails"),
        (r"(?:a|b)+", "xab", "<ab>", "a group that is not counted"),
        (r"(?iu)(é)\1", "éÉ", "<éÉ>", "a reference ignores case with u"),
        (r"a(?=b)", "acab", "<a>", "lookahead"),
        (r"a(?!b).", "abac", "<ac>", "negative lookahead"),
        (r"(?<=b)a", "aba", "<a>", "lookbehind"),
        (r"(?<!^)a", "ab a", "<a>", "negative lookbehind"),
        (r"(?<=x{1,2})a", "axa", "<a>", "lookbehind of a bounded length"),
        (r"a|ab", "ab", "<a>", "the first alternative that matches"),
    ]);
}

#[test]
fn flags() {
    check(&[
        ("(?i)straSSE", "STRAsse", "<STRAsse>", "i: letters of ASCII"),
        ("(?i)é", "É", "-", "i alone: no others"),
        ("(?iu)é", "É", "<É>", "iu: of Unicode"),
        ("(?i)k", "\u{212a}", "-", "i alone: the Kelvin sign is no k"),
        ("(?iu)k", "\u{212a}", "<\u{212a}>", "iu: it is"),
        ("(?i)[^k]", "Kx", "<x>", "i: in a negated class"),
        ("(?i)[a-c]+", "xABC", "<ABC>", "i: in a range"),
        ("(?s)a.", "a\n", "<a\n>", "s: the dot takes line terminators"),
        ("(?x) a b # comment\n c", "abc", "<abc>", "x: white space and comments are left out"),
        (r"(?x)a\ b [ c ]", "a bc", "<a bc>", "x: in classes too, but not behind a backslash"),
        ("a(?i)b", "aB", "<aB>", "from its place on"),
        ("(a(?i)b)b", "aBB", "-", "to the end of its group"),
        ("(?i:a)b", "AB", "-", "in its group only"),
        ("(?i)a(?-i)b", "AB", "-", "turned off again"),
        ("(?i-s)A.", "a\n", "-", "on and off at once"),
        ("(?U)é\\b", "é", "<é>", "U: boundaries of Unicode's words"),
    ]);
}

#[test]
fn quoting() {
    check(&[
        (r"\Qa.b\E.", "a.bc", "<a.bc>", "quotes up to \\E"),
        (r"\Qa.b", "axb a.b", "<a.b>", "or to the end"),
        (r"\Q\\E", r"\", r"<\>", "a backslash in quotes"),
        (r"\\Qa", r"\Qa", r"<\Qa>", "an escaped backslash begins no quotation"),
        (r"\Q\E", "a", "<>", "nothing quoted"),
        (r"(?x)\Qa b\E", "a b", "<a b>", "quoted white space counts"),
    ]);
}

#[test]
fn a_whole_text_matches_as_matches_does() {
    for (body, flags, text, expected) in [
        ("a|ab", "", "ab", true),
        ("^a$", "", "a", true),
        ("a$", "", "a\n", false),
        ("a$\n", "", "a\n", true),
        ("(a$|b)\n?", "", "a\n", true),
        ("a\\Z\n", "", "a\n", true),
        (".*", "", "a\u{2028}b", false),
        (".*", "s", "a\u{2028}b", true),
        ("a # x", "x", "a", true),
        ("É", "iu", "é", true),
        ("É", "i", "é", false),
        ("a.", "d", "a\r", true),
    ] {
        let pattern = Pattern::compile(body, flags).unwrap_or_else(|what| panic!("{body}: {what}"));
        assert_eq!(pattern.matches(text, &super::Budget::new(100_000)), Ok(expected), "/{body}/{flags} on {text:?}");
    }
}

#[test]
fn every_match_in_turn_as_find_does() {
    for (body, text, expected) in [
        ("x*", "axb", "||x|||"),
        ("", "ab", "||||"),
        ("a|b?", "abc", "|a|b|||"),
        (r"\d\d", "12345", "|12|34|"),
        (r"\G\d", "12a3", "|1|2|"),
        ("é*", "aéé", "||éé||"),
        ("(?<=a)b", "abab", "|b|b|"),
    ] {
        let mut all = "|".to_owned();
        let search = Search::compile(body).expect("an expression");
        let end = search.each(text, &super::Budget::new(100_000), |found| {
            all.push_str(found.get(0).map_or("", |whole| whole.as_str()));
            all.push('|');
            Ok(())
        });
        assert_eq!((end, &*all), (Ok(()), expected), "/{body}/ on {text:?}");
    }
}

#[test]
fn what_java_or_this_engine_does_not_know_is_an_error() {
    for (body, why) in [
        (r"\y", "a letter that means nothing behind a backslash is an error in Java"),
        (r"\X", "grapheme clusters are not supported"),
        (r"\b{g}", "their boundaries neither"),
        (r"\N{DIGIT ONE}", "nor names of characters"),
        (r"\p{InGreek}", "nor blocks"),
        (r"\p{NoSuch}", "an unknown property"),
        ("(?P<a>b)", "names are written (?<name>)"),
        ("(?#a)", "comments need the flag x"),
        ("(?<a-b>c)", "names have letters and digits only"),
        ("(?<a>b)(?<a>c)", "a name is given once"),
        (r"\k<a>(?<a>b)", "a name is known behind its group only"),
        (r"(?i)(a)\1", "a reference that ignores case for ASCII only"),
        ("(?z)a", "an unknown flag"),
        ("a**", "a quantifier of a quantifier"),
        ("a{,2}", "a repetition without its least number"),
        ("a{b}", "a brace that repeats nothing"),
        ("{1}", "nothing to repeat"),
        ("|*", "nothing to repeat"),
        ("a{3,2}", "a repetition that ends before it begins"),
        ("[b-a]", "a range that ends before it begins"),
        (r"[a-\d]", "a range up to a class"),
        ("[a", "a class that is not closed"),
        ("[]", "a class that is not closed: ] stands for itself"),
        ("[&&a]", "nothing before &&"),
        ("[a&&&b]", "three ampersands"),
        ("(a", "a group that is not closed"),
        ("a)", "a group that was not opened"),
        ("a\\", "a backslash at the end"),
        (r"\uD83D", "half a character"),
        (r"\x4", "half a number"),
        (r"\x{110000}", "no character"),
        (r"\08", "no octal number"),
    ] {
        assert!(Search::compile(body).is_err(), "/{body}/: {why}");
        assert!(Pattern::compile(body, "").is_err(), "/{body}/: {why}");
    }
    assert!(Pattern::compile("a", "q").is_err());
}
