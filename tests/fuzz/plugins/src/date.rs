//! A date's source pattern, target pattern, text and shift, through a whole transformation with `manipulateDate`.

use serde_json::{Value, json};

use crate::document::USER;
use crate::target::parts;
use crate::twice::twice;

pub fn check(data: &[u8]) {
    let Some([source, target, text, shift]) = parts(data) else { return };
    let shift = shift.parse::<i64>().map_or_else(|_| Value::from(shift), Value::from);
    let function = |from: &str, to: &str| json!({"function": "manipulateDate", "sourceDateFormat": from, "targetDateFormat": to, "months": shift, "days": shift, "seconds": "1"});
    let plain = json!({"function": "manipulateDate", "sourceDateFormat": source, "targetDateFormat": target});
    for functions in [json!([plain]), json!([function(source, target), function(target, source)])] {
        let mapping = json!({"constant": text, "targetPath": "$.date", "functions": functions});
        twice(&json!({"user": {"mappings": [mapping]}}).to_string(), &[USER]);
    }
}
