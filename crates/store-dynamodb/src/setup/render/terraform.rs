//! A Terraform resource.

use std::fmt::Write as _;

use crate::setup::{Billing, TableSpec};

pub(super) fn resource(spec: &TableSpec) -> String {
    let mut text = String::new();
    write_resource(spec, &mut text).ok();
    text
}

fn write_resource(spec: &TableSpec, out: &mut String) -> std::fmt::Result {
    writeln!(out, "resource \"aws_dynamodb_table\" \"store\" {{")?;
    writeln!(out, "  name         = {}", quoted(&spec.table))?;
    writeln!(out, "  billing_mode = \"{}\"", spec.billing.mode())?;
    writeln!(out, "  hash_key     = {}", quoted(&spec.partition_key))?;
    writeln!(out, "  range_key    = {}", quoted(&spec.sort_key))?;
    write_units(spec.billing, "  ", out)?;
    for name in spec.key_attributes() {
        writeln!(out, "\n  attribute {{")?;
        writeln!(out, "    name = {}", quoted(name))?;
        writeln!(out, "    type = \"S\"\n  }}")?;
    }
    writeln!(out, "\n  ttl {{")?;
    writeln!(out, "    attribute_name = {}", quoted(&spec.time_to_live))?;
    writeln!(out, "    enabled        = true\n  }}")?;
    if let Some(index) = &spec.index {
        writeln!(out, "\n  global_secondary_index {{")?;
        writeln!(out, "    name            = {}", quoted(&index.name))?;
        writeln!(
            out,
            "    hash_key        = {}",
            quoted(&index.partition_key)
        )?;
        writeln!(out, "    range_key       = {}", quoted(&index.sort_key))?;
        writeln!(out, "    projection_type = \"ALL\"")?;
        write_units(spec.billing.of_index(), "    ", out)?;
        writeln!(out, "  }}")?;
    }
    writeln!(out, "\n  point_in_time_recovery {{")?;
    writeln!(out, "    enabled = {}\n  }}", spec.point_in_time_recovery)?;
    writeln!(
        out,
        "\n  lifecycle {{\n    prevent_destroy = true\n  }}\n}}"
    )
}

fn write_units(billing: Billing, margin: &str, out: &mut String) -> std::fmt::Result {
    let Billing::Provisioned {
        read_units,
        write_units,
    } = billing
    else {
        return Ok(());
    };
    writeln!(out, "{margin}read_capacity  = {read_units}")?;
    writeln!(out, "{margin}write_capacity = {write_units}")
}

/// A text in double quotes, in which nothing is a template.
fn quoted(text: &str) -> String {
    let text = serde_json::Value::from(text).to_string();
    text.replace("${", "$${").replace("%{", "%%{")
}
