//! A run: the tests as the code is, then one mistake after the other.

use std::fs;
use std::time::Duration;

use store_core::{Clock as _, SystemClock};

use crate::error::Error;
use crate::finding::Finding;
use crate::repository::Repository;
use crate::table::{Column, Table};

use super::entry::{Mutation, PATH, PATIENCE};
use super::scratch::Scratch;
use super::trial::{Ending, Program};
use super::verdict::Verdict;

/// The mutations that are not caught, each with what is to be done about it.
pub(super) fn run(repository: &Repository, mutations: &[&Mutation]) -> Result<Vec<Finding>, Error> {
    let clock = SystemClock::new();
    let scratch = Scratch::open(repository)?;
    let failing = try_unchanged(repository, &scratch, mutations)?;
    let mut verdicts = Vec::new();
    for mutation in mutations {
        let began = clock.monotonic();
        let claim = (Program::of(mutation), mutation.test());
        let verdict = if failing.contains(&claim) {
            Verdict::FailsAnyway
        } else {
            try_mutation(repository, &scratch, mutation)?
        };
        let took = clock.monotonic().saturating_sub(began).as_secs_f64();
        println!(
            "{:<4} {verdict:<9} {took:>6.1} s  {}",
            mutation.row, mutation.why
        );
        verdicts.push((*mutation, verdict));
    }
    println!("\n{}", summary(&verdicts));
    let caught = verdicts
        .iter()
        .filter(|(mutation, verdict)| verdict.fault(mutation).is_none());
    let took = Duration::from_secs(clock.monotonic().as_secs());
    println!(
        "{} of {} caught in {}",
        caught.count(),
        verdicts.len(),
        humantime::format_duration(took)
    );
    Ok(faults(&verdicts))
}

/// Runs each test as the code is, and returns those that do not pass: one that fails anyway would
/// catch everything.
fn try_unchanged(
    repository: &Repository,
    scratch: &Scratch,
    mutations: &[&Mutation],
) -> Result<Vec<(Program, String)>, Error> {
    let mut failing = Vec::new();
    for (program, tests) in by_program(mutations) {
        let executable = program.build(repository, scratch)?;
        let (count, before) = (tests.len(), failing.len());
        for test in tests {
            if let Some(executable) = &executable {
                let ending = program.run(scratch, executable, &test, PATIENCE)?;
                if ending == Ending::Passed {
                    continue;
                }
                let printed = fs::read_to_string(scratch.output());
                println!("{}", printed.unwrap_or_default());
            }
            failing.push((program.clone(), test));
        }
        let passed = count - (failing.len() - before);
        println!(
            "{}: {passed} of {count} pass as the code is",
            program.name()
        );
    }
    Ok(failing)
}

/// The programs with the tests that are claimed of each, in the order of the mutations.
fn by_program(mutations: &[&Mutation]) -> Vec<(Program, Vec<String>)> {
    let mut programs: Vec<(Program, Vec<String>)> = Vec::new();
    for mutation in mutations {
        let (program, test) = (Program::of(mutation), mutation.test());
        match programs.iter_mut().find(|(known, _)| *known == program) {
            Some((_, tests)) if tests.contains(&test) => {}
            Some((_, tests)) => tests.push(test),
            None => programs.push((program, vec![test])),
        }
    }
    programs
}

fn try_mutation(
    repository: &Repository,
    scratch: &Scratch,
    mutation: &Mutation,
) -> Result<Verdict, Error> {
    let mutated = match scratch.mutate(mutation)? {
        Ok(mutated) => mutated,
        Err(misplaced) => return Ok(Verdict::Misplaced(misplaced)),
    };
    let program = Program::of(mutation);
    let verdict = match program.build(repository, scratch)? {
        None => Verdict::Invalid,
        Some(executable) => {
            let patience = mutation.patience();
            let test = mutation.test();
            let ending = program.run(scratch, &executable, &test, patience.duration())?;
            Verdict::on(ending, patience)
        }
    };
    mutated.restore()?;
    Ok(verdict)
}

fn summary(verdicts: &[(&Mutation, Verdict)]) -> Table {
    let columns = ["row", "mutation", "caught by", "result"].map(Column::Left);
    let mut table = Table::new(&columns);
    for (mutation, verdict) in verdicts {
        table.add([
            mutation.row.clone(),
            mutation.why.clone(),
            mutation.caught_by(),
            verdict.to_string(),
        ]);
    }
    table
}

fn faults(verdicts: &[(&Mutation, Verdict)]) -> Vec<Finding> {
    verdicts
        .iter()
        .filter_map(|(mutation, verdict)| {
            let fault = verdict.fault(mutation)?;
            let message = format!("{}: {fault}", mutation.row);
            Some(Finding::new(PATH, mutation.line(), message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::entry;
    use super::*;

    fn entries() -> entry::Entries {
        let mutation = |row: &str, claim: &str, package: &str| {
            format!(
                "[[mutation]]\nrow = \"{row}\"\nclaim = \"{claim}\"\npackage = \"{package}\"\n\
                 file = \"a.rs\"\nfind = \"<\"\nreplace = \"<=\"\nwhy = \"late\"\n"
            )
        };
        entry::planted(
            &[
                mutation("F1", "cache::a", "store-memory"),
                mutation("F2", "cache::a", "store-memory"),
                mutation("F3", "tests::b", "store-core"),
            ]
            .concat(),
        )
    }

    #[test]
    fn a_test_that_is_claimed_twice_runs_once_as_the_code_is() {
        let entries = entries();
        let mutations: Vec<&Mutation> = entries.mutations.iter().collect();
        let programs = by_program(&mutations);
        let tests: Vec<_> = programs.iter().map(|(_, tests)| tests.join(" ")).collect();
        assert_eq!(tests, ["conformance::direct::cache::a", "tests::b"]);
        assert_eq!(programs[0].0.name(), "store-memory --test it");
    }

    #[test]
    fn survivors_are_in_the_table_and_among_the_findings() {
        let entries = entries();
        let outcomes = [Verdict::Caught, Verdict::Survived, Verdict::Invalid];
        let verdicts: Vec<_> = entries.mutations.iter().zip(outcomes).collect();
        let table = summary(&verdicts).to_string();
        assert!(
            table.contains("store-memory: cache::a  SURVIVED"),
            "{table}"
        );
        let faults = faults(&verdicts);
        assert_eq!(faults.len(), 2);
        assert!(faults[0].message.starts_with("F2: `cache::a` passes"));
        assert!(faults[1].message.starts_with("F3: does not compile"));
    }
}
