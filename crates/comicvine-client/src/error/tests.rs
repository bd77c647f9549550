//! Errors on their way to people and to other processes.

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
        Error::Timeout { subject: subject() },
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
fn errors_survive_the_way_to_another_process() {
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
fn unreadable_error_of_another_process_keeps_its_text() {
    let error = Error::decode("something else");
    assert!(error.to_string().ends_with("something else"));
    assert!(error.is_retryable());
}

#[test]
fn limits_and_blocks_say_until_when() {
    let said: Vec<_> = one_of_each().iter().map(ToString::to_string).collect();
    assert_eq!(
        said[5],
        "issue 4000-1 has to wait until 2023-11-14T22:13:20.000Z: \
         the rest of the budget is reserved for users"
    );
    assert!(said[6].ends_with("send nothing until 2023-11-14T22:13:20.000Z"));
}
