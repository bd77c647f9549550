//! Commands of the AWS command line.

use super::create_input;
use crate::setup::TableSpec;

pub(super) fn commands(spec: &TableSpec) -> String {
    let region = spec
        .region
        .as_ref()
        .map(|region| format!(" --region {}", argument(region)));
    let region = region.unwrap_or_default();
    let command = |name: &str, rest: &str| format!("aws dynamodb {name}{region} {rest}\n");
    // The rules of names leave nothing that a shell would expand.
    let table = format!("--table-name {}", spec.table);
    let on_table = |name: &str, rest: &str| command(name, &format!("{table}{rest}"));
    let input = argument(&create_input(spec).to_string());
    let ttl = argument(&format!("Enabled=true,AttributeName={}", spec.time_to_live));
    let mut text = command("create-table", &format!("\\\n  --cli-input-json {input}"));
    text += &on_table("wait table-exists", "");
    let ttl = format!(" \\\n  --time-to-live-specification {ttl}");
    text += &on_table("update-time-to-live", &ttl);
    if spec.point_in_time_recovery {
        let recovery =
            " \\\n  --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true";
        text += &on_table("update-continuous-backups", recovery);
    }
    text
}

/// One argument of a shell's command.
fn argument(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,=/:".contains(c);
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
