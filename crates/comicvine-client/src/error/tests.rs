//! Errors as shown to people and as shared with other processes.

use super::*;

fn one_of_each() -> Vec<Error> {
    let subject = || "issue 4000-1".to_owned();
    let retry_at = Some(Timestamp::from_millis(1_700_000_000_000));
    let source: Option<Cause> = Some(Arc::new(std::io::Error::other("connection refused")));
    vec![
        Error::invalid("limit must be between 1 and 100"),
        Error::InvalidKey,
        Error::NotFound { subject: subject() },
        Error::Filter { subject: subject() },
        Error::Refused {
            subject: subject(),
            status_code: 102,
            message: "Error".to_owned(),
        },
        Error::RateLimited {
            subject: subject(),
            retry_at,
            reason: LimitReason::Reserved,
        },
        Error::Blocked {
            kind: BlockKind::AbnormalTraffic,
            retry_at,
        },
        Error::Unavailable {
            subject: subject(),
            status: 503,
            retry_at,
        },
        Error::WebPage {
            subject: subject(),
            status: 200,
            title: "We'll be right back".to_owned(),
        },
        Error::NotCached { subject: subject() },
        Error::Timeout {
            subject: subject(),
            limit: TimeLimit::MaxWait,
        },
        Error::Interrupted {
            subject: subject(),
            message: "connection reset".to_owned(),
        },
        Error::Transport {
            subject: subject(),
            message: "connect".to_owned(),
            source: source.clone(),
        },
        Error::Decode {
            subject: subject(),
            message: "is no object".to_owned(),
        },
        Error::Store {
            message: "rate limit".to_owned(),
            retryable: true,
            source,
        },
    ]
}

#[test]
fn errors_survive_encoding() {
    for error in one_of_each() {
        let other = Error::decode(&error.encode());
        assert_eq!(
            std::mem::discriminant(&other),
            std::mem::discriminant(&error)
        );
        assert_eq!(other.retry_at(), error.retry_at());
        assert_eq!(other.is_retryable(), error.is_retryable());
        if error.source().is_none() {
            assert_eq!(other.to_string(), error.to_string());
        } else {
            assert_eq!(other.to_string(), format!("{error}: connection refused"));
            assert!(!error.to_string().contains("connection refused"));
        }
    }
}

#[test]
fn unknown_text_is_kept_as_an_error() {
    let error = Error::decode("something else");
    assert!(error.to_string().ends_with("something else"));
    assert!(error.is_retryable());
}

#[test]
fn limits_and_blocks_show_their_end() {
    let shown: Vec<_> = one_of_each().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown[5],
        "issue 4000-1 has to wait until 2023-11-14T22:13:20.000Z: \
         the rest of the budget is reserved for users"
    );
    assert!(shown[6].ends_with("send nothing until 2023-11-14T22:13:20.000Z"));
}

#[test]
fn question_mark_takes_the_error_into_a_box() {
    fn fail() -> std::result::Result<(), Box<dyn StdError + Send + Sync>> {
        Err(Error::InvalidKey)?;
        Ok(())
    }
    assert!(fail().unwrap_err().is::<Error>());
}

#[test]
fn each_cause_is_shown_once() {
    for error in one_of_each() {
        let other = Error::decode(&error.encode());
        for error in [error, other] {
            let text = ErrorChain(&error).to_string();
            assert!(text.matches("connection refused").count() <= 1, "{text}");
        }
    }
    let missing = InvalidApiKey::Unreadable {
        path: "/nowhere/key".into(),
        source: std::io::Error::other("no such file"),
    };
    assert_eq!(
        ErrorChain(&Error::from(missing)).to_string(),
        "cannot read the api key from /nowhere/key: no such file"
    );
}
