//! What the program prints for shells: completions, manual pages, usage lines.

use crate::{Home, KEY, run};

#[tokio::test]
async fn every_shell_gets_completions_of_commands_options_and_kinds() {
    let home = Home::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = home.run_alone(&["completions", shell]).await;
        for part in ["comicvine", "search", "refresh", "invalidate"] {
            assert!(ran.printed().contains(part), "{shell}: {part}");
        }
    }
    for shell in ["bash", "fish", "zsh"] {
        let ran = home.run_alone(&["completions", shell]).await;
        assert!(ran.printed().contains("story_arcs"), "{shell}");
    }
    home.run_alone(&["completions", "ksh"])
        .await
        .assert_failed(2, &["bash", "zsh"]);
    assert!(!home.path("comics.db").exists());
}

#[tokio::test]
async fn program_and_commands_have_manual_pages_without_the_environment() {
    let home = Home::new();
    for (command, parts) in [
        (&[][..], [".TH comicvine 1", "comicvine\\-search(1)"]),
        (&["get"], [".TH comicvine-get 1", "fB\\-\\-refresh"]),
        (
            &["cache", "list"],
            [".TH comicvine-cache-list 1", "fB\\-\\-after"],
        ),
    ] {
        let mut program = home.program(["man"].iter().chain(command));
        program.env("COMIC_VINE_BASE_URL", KEY);
        let ran = run(&mut program).await;
        for part in parts {
            assert!(ran.printed().contains(part), "{part}: {}", ran.stdout);
        }
        assert!(!ran.stdout.contains(KEY));
    }
    home.run_alone(&["man", "cahce"])
        .await
        .assert_failed(2, &["no command `cahce`; did you mean `cache`?"]);
}

#[tokio::test]
async fn usage_line_is_the_same_whatever_is_set() {
    let home = Home::new();
    for (arguments, usage) in [
        (
            &["list"][..],
            "Usage: comicvine list [OPTIONS] <RESOURCE>\n",
        ),
        (
            &["list", "--db", "x", "--max-wait", "3s", "--limit", "1"],
            "Usage: comicvine list [OPTIONS] <RESOURCE>\n",
        ),
        (
            &["get", "--timeout", "3s"],
            "Usage: comicvine get [OPTIONS] [RESOURCE] <ID>\n",
        ),
        (
            &["cache", "invalidate", "--db", "x"],
            "Usage: comicvine cache invalidate [OPTIONS] <TAGS>...\n",
        ),
    ] {
        home.run_alone(arguments).await.assert_failed(2, &[usage]);
    }
}
