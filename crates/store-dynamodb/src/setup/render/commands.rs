//! Commands of the AWS command line.

use std::fmt::Write as _;

use crate::setup::{Billing, TableSpec};

pub(super) fn commands(spec: &TableSpec) -> String {
    let mut text = String::new();
    write_commands(spec, &mut text).ok();
    text
}

fn write_commands(spec: &TableSpec, out: &mut String) -> std::fmt::Result {
    let table = argument(&spec.table);
    let command = |name: &str| match &spec.region {
        Some(region) => format!(
            "aws dynamodb {name} --region {} --table-name {table}",
            argument(region)
        ),
        None => format!("aws dynamodb {name} --table-name {table}"),
    };
    write!(
        out,
        "{} \\\n  --attribute-definitions",
        command("create-table")
    )?;
    for name in spec.key_attributes() {
        let definition = format!("AttributeName={name},AttributeType=S");
        write!(out, " {}", argument(&definition))?;
    }
    let keys = keys(&spec.partition_key, &spec.sort_key);
    let keys = keys.map(|key| argument(&key)).join(" ");
    writeln!(out, " \\\n  --key-schema {keys} \\")?;
    if let Some(index) = &spec.index {
        let keys = self::keys(&index.partition_key, &index.sort_key);
        let [partition, sort] = keys.map(|key| format!("{{{key}}}"));
        let units = units(spec.billing.of_index()).map_or_else(String::new, |units| {
            format!(",ProvisionedThroughput={{{units}}}")
        });
        let index = format!(
            "IndexName={},KeySchema=[{partition},{sort}],Projection={{ProjectionType=ALL}}{units}",
            index.name
        );
        writeln!(out, "  --global-secondary-indexes {} \\", argument(&index))?;
    }
    if let Some(units) = units(spec.billing) {
        writeln!(out, "  --provisioned-throughput {} \\", argument(&units))?;
    }
    writeln!(out, "  --billing-mode {}", spec.billing.mode())?;
    writeln!(out, "{}", command("wait table-exists"))?;
    let ttl = format!("Enabled=true,AttributeName={}", spec.time_to_live);
    let update = command("update-time-to-live");
    writeln!(
        out,
        "{update} \\\n  --time-to-live-specification {}",
        argument(&ttl)
    )?;
    if spec.point_in_time_recovery {
        let update = command("update-continuous-backups");
        writeln!(
            out,
            "{update} \\\n  --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
        )?;
    }
    Ok(())
}

fn keys(partition: &str, sort: &str) -> [String; 2] {
    [
        format!("AttributeName={partition},KeyType=HASH"),
        format!("AttributeName={sort},KeyType=RANGE"),
    ]
}

fn units(billing: Billing) -> Option<String> {
    match billing {
        Billing::OnDemand => None,
        Billing::Provisioned {
            read_units,
            write_units,
        } => Some(format!(
            "ReadCapacityUnits={read_units},WriteCapacityUnits={write_units}"
        )),
    }
}

/// One argument of a shell's command.
fn argument(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,=/:".contains(c);
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
