//! Inputs that no editor keeps or nobody wants to store, from a text with directives.
//!
//! | directive | becomes |
//! | --- | --- |
//! | `{{x * 1000}}` | the text before `*`, so many times |
//! | `{{hex FF FE}}` | these bytes |
//! | `{{end}}` | nothing, and nothing after it: the file ends here, without a line end |

/// The bytes of the file.
pub(crate) fn fill(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        bytes.extend_from_slice(before.as_bytes());
        let (directive, after) = after.split_once("}}").expect("a directive ends with }}");
        if directive == "end" {
            return bytes;
        }
        if let Some(digits) = directive.strip_prefix("hex ") {
            bytes.extend(digits.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits")));
        } else {
            let (piece, times) = directive.rsplit_once(" * ").expect("a directive is TEXT * NUMBER, hex or end");
            bytes.extend_from_slice(piece.repeat(times.trim().parse().expect("a number of times")).as_bytes());
        }
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}
