//! Whether libpq takes a URL for what was meant. libpq repeats what it does not take, and that may be a part of a password: so
//! such a URL never gets to it.

/// What is wrong with a URL of PostgreSQL, without a word of it.
pub(super) fn check(url: &str) -> Result<(), &'static str> {
    if url.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err("a database URL has no white space");
    }
    if !is_encoded(url) {
        return Err("a % in a database URL is followed by two hexadecimal digits, which are not 00");
    }
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    // As libpq does it: the first @ ends user and password, unless a / comes first.
    let rest = match rest.find(['@', '/']) {
        Some(at) if rest.get(at..).is_some_and(|rest| rest.starts_with('@')) => {
            rest.get(at + 1..).unwrap_or("")
        }
        _ => rest,
    };
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    if place.contains('@') {
        return Err("a database URL has an @ only after user and password");
    }
    let (hosts, _) = place.split_once('/').unwrap_or((place, ""));
    hosts.split(',').try_for_each(check_host)?;
    parameters.split('&').filter(|pair| !pair.is_empty()).try_for_each(check_parameter)
}

/// Whether each `%` stands for a byte, and none for the byte that ends texts.
fn is_encoded(url: &str) -> bool {
    url.split('%').skip(1).all(|after| {
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        digits.is_some_and(|digits| digits != "00")
    })
}

fn check_host(host: &str) -> Result<(), &'static str> {
    let port = match host.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((address, port)) if !address.is_empty() && (port.is_empty() || port.starts_with(':')) => {
                port.strip_prefix(':')
            }
            _ => return Err("an IPv6 address in a database URL is in brackets, as in [::1]:5432"),
        },
        None => host.split_once(':').map(|(_, port)| port),
    };
    if port.is_none_or(is_port) { Ok(()) } else { Err("the port in a database URL is no number up to 65535") }
}

fn is_port(port: &str) -> bool {
    port.is_empty()
        || (port.bytes().all(|digit| digit.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn check_parameter(pair: &str) -> Result<(), &'static str> {
    let Some((name, value)) = pair.split_once('=') else {
        return Err("a parameter in a database URL is a name, = and a value");
    };
    // In an encoded name, nobody finds the password.
    if name.is_empty()
        || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        || value.contains('=')
    {
        return Err(
            "the name of a parameter in a database URL has lower-case letters and _ only, and its value no =",
        );
    }
    if name == "port" && !value.replace("%2C", ",").replace("%2c", ",").split(',').all(is_port) {
        return Err("the port in a database URL is no number up to 65535");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libpq_gets_no_url_that_it_would_repeat() {
        for url in [
            "postgres://u:100%SEcret@127.0.0.1:1/db",
            "postgres://u:SEcret%@h/db",
            "postgres://u:SEcret%0@h/db",
            "postgres://u:SEcret%00@h/db",
            "postgres://u:SE cret@h/db",
            "postgres://u:SE\tcret@h/db",
            "postgres://u:SE\u{a0}cret@h/db",
            "postgres://u:SEcret/x@h/db",
            "postgres://u:12/SEcret@h/db",
            "postgres://u:12/1?SEcret@h/db",
            "postgres://u:SE@cret@h/db",
            "postgres://u:SEcret",
            "postgres://u:SEcret/db",
            "postgres://u:SEcret@[::1/db",
            "postgres://u:SEcret@[]/db",
            "postgres://u:SEcret@[::1]x/db",
            "postgres://u:SEcret@h:port/db",
            "postgres://u:SEcret@h:0/db",
            "postgres://u:SEcret@h:65536/db",
            "postgres://a:1,b:SEcret/db",
            "postgres://h/db?passw%6Frd=SEcret",
            "postgres://h/db?PASSWORD=SEcret",
            "postgres://h/db?password=SE=cret",
            "postgres://h/db?SEcret",
            "postgres://h/db?=SEcret",
            "postgres://h/db?port=SEcret",
        ] {
            let refused = check(url).expect_err(url);
            assert!(!refused.contains("cret"), "{refused}");
        }
    }

    #[test]
    fn libpq_gets_the_others() {
        for url in [
            "postgres://",
            "postgres:///db",
            "postgres://h",
            "postgres://h/",
            "postgresql://u:p@h:5432/db?sslmode=require",
            "postgres:///db?host=/run/postgresql&port=5432,5433",
            "postgres://%2Frun%2Fpostgresql/db",
            "postgres://u:p,q@a:1,b,[::1]:3,[fe80::1%25eth0]/db",
            "postgres://u:sec?ret@h/db",
            "postgres://u:se:cr[et@h:/db?options=-c%20search_path%3Dx&user=a@b",
            "postgres://u:%C3%A4@h/db?application_name=ä&",
            "postgres://@h/db",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }
}
