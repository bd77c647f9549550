//! Which names of parameters and fields say that their value is a secret.

/// A name with a word that ends in one of these, or with two words in a row that do, has a secret value.
const ENDINGS: [&str; 29] = [
    "accesskey",
    "apikey",
    "auth",
    "authentication",
    "authkey",
    "authorization",
    "bearer",
    "consumerkey",
    "cookie",
    "credential",
    "credentials",
    "csrf",
    "hmac",
    "jwt",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "secretkey",
    "sessid",
    "sessionid",
    "signature",
    "signingkey",
    "subscriptionkey",
    "token",
    "xsrf",
];
/// So has one with one of these words, in which other words may end.
const WORDS: [&str; 2] = ["session", "sig"];
/// And one that is nothing else.
const NAMES: [&str; 3] = ["code", "key", "pass"];

/// Whether a parameter or field of this name has a secret value.
pub(super) fn is_secret(name: &str) -> bool {
    let words = words(name);
    let ends = |text: &str| ENDINGS.iter().any(|ending| text.ends_with(ending));
    let pairs = words.windows(2);
    words
        .iter()
        .any(|word| ends(word) || WORDS.contains(&&**word))
        || pairs.map(<[_]>::concat).any(|pair| ends(&pair))
        || matches!(&words[..], [only] if NAMES.contains(&&**only))
}

/// The words of a name in lower case, without digits at their ends. They are separated by what is neither a letter nor
/// a digit, and begin with a capital after a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_after_small = false;
    for character in name.chars() {
        let begins = !character.is_alphanumeric() || (is_after_small && character.is_uppercase());
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && character.is_alphanumeric()
        {
            word.extend(character.to_lowercase());
        }
        is_after_small = character.is_lowercase();
    }
    for word in &mut words {
        word.truncate(word.trim_end_matches(char::is_numeric).len());
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn names_with_a_word_of_secrets_are_secret() {
        for name in [
            "id_token",
            "access_key",
            "auth_token",
            "client_secret",
            "x-amz-signature",
            "X-Amz-Security-Token",
            "X-Goog-Credential",
            "sig",
            "apiKey",
            "APIKey",
            "api.key",
            "AWSAccessKeyId",
            "accessToken",
            "refreshtoken",
            "token2",
            "user[password]",
            "oauth_consumer_key",
            "subscription-key",
            "PHPSESSID",
            "jsessionid",
            "session_id",
            "csrfmiddlewaretoken",
            "authorization",
            "proxy-authorization",
            "cookie2",
            "x-api-key",
            "x-auth-user",
            "code",
            "Key",
            "pass",
        ] {
            assert!(is_secret(name), "{name}");
        }
    }

    #[test]
    fn ordinary_names_are_not() {
        for name in [
            "tokenizer",
            "max_tokens",
            "sort_key",
            "primary_key",
            "public_key",
            "keyword",
            "monkey",
            "country_code",
            "codec",
            "author",
            "authority",
            "secretary",
            "possession",
            "signal",
            "design",
            "compass",
            "passenger",
            "cookies",
            "page",
            "accept-language",
            "x-request-id",
            "[]",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
