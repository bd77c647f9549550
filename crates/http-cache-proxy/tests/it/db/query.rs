//! `query`: questions in SQL.

use super::{Filled, attempt, cells, db, json};

// covers("C2")
#[test]
fn a_query_prints_its_rows_and_refuses_to_write() {
    let filled = Filled::at_rest();
    let sql = "SELECT full_url, hit_count, NULL AS missing, x'00ff' AS bytes FROM stored_responses
        ORDER BY hit_count DESC LIMIT 1";
    let page = db(&filled.file, &["query", sql]);
    assert_eq!(
        page.row(&filled.url("/issues"))[1..],
        ["3", "NULL", "x'00ff'"]
    );
    let rows = json(&filled.file, &["query", sql]);
    assert_eq!(rows[0]["hit_count"], 3);
    assert!(rows[0]["missing"].is_null());
    let keys = db(&filled.file, &["query", "SELECT url_key FROM urls"]);
    assert!(keys.text().contains("…' (16 B)"), "{}", keys.text());
    for (sql, reason) in [
        ("DELETE FROM urls", "only queries are run"),
        ("SELECT * FROM missing", "no such table"),
        ("SELEC 1", "syntax error"),
        ("ATTACH 'x.db' AS x", "only a single SELECT is run"),
        (" begin;", "only a single SELECT is run"),
        ("-- a\n/* b */ BEGIN", "only a single SELECT is run"),
        ("-- nothing", "only a single SELECT is run"),
    ] {
        let refused = attempt(&filled.file, &["query", sql]);
        assert_eq!(refused.status, Some(1));
        assert!(refused.errors.contains(reason), "{}", refused.errors);
    }
    assert_eq!(json(&filled.file, &["urls"]).as_array().unwrap().len(), 5);
    let rows = json(&filled.file, &["query", "-- a comment\nSELECT 1 AS a"]);
    assert_eq!(rows, serde_json::json!([{"a": 1}]));
}

#[test]
fn columns_of_equal_names_are_all_in_the_json() {
    let filled = Filled::at_rest();
    let rows = json(&filled.file, &["query", "SELECT 1 AS a, 2 AS a"]);
    assert_eq!(rows, serde_json::json!([{"a": 1, "a_2": 2}]));
}

#[test]
fn a_query_is_read_from_standard_input() {
    use std::io::Write;
    use std::process::Stdio;

    let filled = Filled::at_rest();
    let arguments = ["db", "query", "-", "--db", filled.file.to_str().unwrap()];
    let mut command = crate::running::command(&arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(b"SELECT count(*) AS urls FROM urls\n")
        .unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().any(|line| cells(line) == ["5"]), "{text}");
}

#[test]
fn a_query_without_sql_lists_tables_and_views() {
    let filled = Filled::at_rest();
    let page = db(&filled.file, &["query"]);
    for name in ["hit_rate_by_path", "stored_responses", "urls"] {
        let listed = page
            .text()
            .lines()
            .any(|line| cells(line).get(1) == Some(&name));
        assert!(listed, "{name}:\n{}", page.text());
    }
}
