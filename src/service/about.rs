//! The description of a dataset's releases for catalogues: title, publisher, licence, coverage. All of it is written by hand; nothing is taken from a trace, the name of a file
//! or a report.

use super::problem::Problem;
use serde::{Deserialize, Serialize};

/// Description of a dataset's releases in catalogues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Campus uplink", "description": "Flows of the uplink of a campus, one day.",
    "publisher": {"name": "Example University", "url": "https://example.org/"}, "contact": {"email": "desk@example.org"},
    "licence": "CC-BY-4.0", "keywords": ["netflow"], "spatial": {"name": "Leipzig"},
    "temporal": {"start": "2026-01-05", "end": "2026-01-06"}, "series": "campus uplink"}))]
pub struct About {
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 300,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub title: Option<String>,
    /// Description, in sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 5000)]
    pub description: Option<String>,
    /// Publisher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<Publisher>,
    /// Contact for questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Terms of use: an identifier of the SPDX list, as `CC-BY-4.0`, or the address of the terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 300,
        pattern = r"^([-.+0-9A-Za-z]{1,100}|https?://[0-9A-Za-z\[][!#-;=?-\[\]_a-z~]*)$"
    )]
    pub licence: Option<String>,
    /// Keywords.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub keywords: Vec<String>,
    /// Place that the trace is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spatial: Option<Place>,
    /// Time that the trace is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporal: Option<Coverage>,
    /// The series that its releases belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub series: Option<String>,
}

/// Publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// The name.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub name: String,
    /// The home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", max_length = 2000, pattern = r"^https?://[0-9A-Za-z\[][!#-;=?-\[\]_a-z~]*$")]
    pub url: Option<String>,
}

/// Contact for questions; at least one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// A person or desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub name: Option<String>,
    /// Email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "email", max_length = 254)]
    pub email: Option<String>,
    /// A page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", max_length = 2000, pattern = r"^https?://[0-9A-Za-z\[][!#-;=?-\[\]_a-z~]*$")]
    pub url: Option<String>,
}

/// A place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The name.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub name: String,
    /// Address in a gazetteer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", max_length = 2000, pattern = r"^https?://[0-9A-Za-z\[][!#-;=?-\[\]_a-z~]*$")]
    pub url: Option<String>,
}

/// A time, from a day to a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The first day.
    #[schema(format = Date)]
    pub start: String,
    /// The last day.
    #[schema(format = Date)]
    pub end: String,
}

impl About {
    /// Stored description of a dataset; empty if there is none.
    pub fn kept(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The same as it is kept.
    pub fn text(&self) -> Result<Option<String>, Problem> {
        if *self == About::default() {
            return Ok(None);
        }
        serde_json::to_string(self).map(Some).map_err(|_| Problem::internal())
    }

    /// Refuses what no catalogue could show.
    pub fn check(&self) -> Result<(), Problem> {
        let line = |field: &str, text: &Option<String>, most| {
            text.as_ref().map_or(Ok(()), |text| one_line(&format!("about.{field}"), text, most))
        };
        line("title", &self.title, 300)?;
        line("series", &self.series, 200)?;
        if let Some(text) = &self.description {
            let fits = !text.trim().is_empty() && text.chars().count() <= 5_000;
            let shown = !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            if !fits || !shown {
                return Err(Problem::invalid(
                    "about.description",
                    "a description has 1 to 5000 characters, none of them a control character but line ends and tabs",
                ));
            }
        }
        if let Some(licence) = &self.licence {
            check_licence(licence)?;
        }
        if self.keywords.len() > 50 {
            return Err(Problem::invalid("about.keywords", "there are 50 keywords at most"));
        }
        self.keywords
            .iter()
            .enumerate()
            .try_for_each(|(at, word)| one_line(&format!("about.keywords[{at}]"), word, 100))?;
        if let Some(Publisher { name, url }) = &self.publisher {
            one_line("about.publisher.name", name, 200)?;
            address("about.publisher.url", url.as_deref())?;
        }
        if let Some(contact) = &self.contact {
            contact.check()?;
        }
        if let Some(Place { name, url }) = &self.spatial {
            one_line("about.spatial.name", name, 200)?;
            address("about.spatial.url", url.as_deref())?;
        }
        self.temporal.as_ref().map_or(Ok(()), Coverage::check)
    }

    /// Refuses to publish for everybody what nobody could find or attribute.
    pub fn check_public(&self) -> Result<(), Problem> {
        let lacks = [
            ("about.title", self.title.is_none()),
            ("about.description", self.description.is_none()),
            ("about.publisher", self.publisher.is_none()),
            ("about.licence", self.licence.is_none()),
        ];
        match lacks.into_iter().find(|(_, lacks)| *lacks) {
            Some((field, _)) => Err(Problem::invalid(
                field,
                "a public release needs title, description, publisher and licence: set them with PATCH /v1/datasets/{id} {\"about\": {…}}",
            )),
            None => Ok(()),
        }
    }
}

impl Contact {
    fn check(&self) -> Result<(), Problem> {
        if self.name.is_none() && self.email.is_none() && self.url.is_none() {
            return Err(Problem::invalid(
                "about.contact",
                "a contact has a name, an email address or a page",
            ));
        }
        if let Some(name) = &self.name {
            one_line("about.contact.name", name, 200)?;
        }
        if let Some(email) = &self.email {
            let parts = email.split_once('@');
            let fits = parts
                .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'));
            let plain = email.chars().all(|c| c.is_ascii_graphic() && !"<>\"\\,;:?#%".contains(c));
            if !fits || !plain || email.len() > 254 {
                return Err(Problem::invalid(
                    "about.contact.email",
                    "this is not an email address, as desk@example.org",
                ));
            }
        }
        address("about.contact.url", self.url.as_deref())
    }
}

impl Coverage {
    fn check(&self) -> Result<(), Problem> {
        let day = |field: &str, text: &str| {
            // The library reads more than days.
            let read = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10);
            read.ok_or_else(|| Problem::invalid(field, "a day is written YYYY-MM-DD"))
        };
        let start = day("about.temporal.start", &self.start)?;
        if day("about.temporal.end", &self.end)? < start {
            return Err(Problem::invalid("about.temporal.end", "the time ends before it begins"));
        }
        Ok(())
    }
}

/// Refuses a text that is no line of 1 to `most` characters.
pub(super) fn one_line(field: &str, text: &str, most: usize) -> Result<(), Problem> {
    let fits = !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
    fits.then_some(()).ok_or_else(|| {
        Problem::invalid(
            field,
            format!("it has 1 to {most} characters, one of them visible, none of them a control character"),
        )
    })
}

/// Refuses an address that is none of the web: it becomes a link, and the name of a thing in catalogues.
fn address(field: &str, text: Option<&str>) -> Result<(), Problem> {
    let Some(text) = text else { return Ok(()) };
    if is_address(text) {
        Ok(())
    } else {
        Err(Problem::invalid(field, "give an address that begins with https:// or http://"))
    }
}

fn is_address(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let named = host.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['));
    // What RDF does not take within an address; and a host that is none.
    named
        && url::Url::parse(text).is_ok()
        && text.len() <= 2_000
        && text.chars().all(|c| c.is_ascii_graphic() && !"<>\"{}|\\^`".contains(c))
}

fn check_licence(text: &str) -> Result<(), Problem> {
    let identifier =
        text.len() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-.+".contains(c));
    if !text.is_empty() && (identifier || is_address(text)) {
        return Ok(());
    }
    Err(Problem::invalid(
        "about.licence",
        "give an identifier of the SPDX list, as CC-BY-4.0, or the address of the terms",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(value: serde_json::Value) -> Option<String> {
        let about: About = serde_json::from_value(value).unwrap();
        about.check().err().and_then(|problem| problem.field)
    }

    #[test]
    fn a_refused_description_names_its_member() {
        for (value, field) in [
            (json!({"publisher": {"name": "a", "url": "https://[x]/"}}), "about.publisher.url"),
            (json!({"title": " "}), "about.title"),
            (json!({"title": "a\nb"}), "about.title"),
            (json!({"description": "a\u{0}"}), "about.description"),
            (json!({"licence": "see the web"}), "about.licence"),
            (json!({"licence": "javascript:alert(1)"}), "about.licence"),
            (json!({"keywords": ["a", ""]}), "about.keywords[1]"),
            (json!({"publisher": {"name": "A", "url": "javascript:alert(1)"}}), "about.publisher.url"),
            (json!({"publisher": {"name": "A", "url": "https://a b"}}), "about.publisher.url"),
            (json!({"contact": {}}), "about.contact"),
            (json!({"contact": {"email": "nobody"}}), "about.contact.email"),
            (json!({"contact": {"email": "a@b.org?subject=x"}}), "about.contact.email"),
            (
                json!({"temporal": {"start": "2026-01-05T00:00:00Z", "end": "2026-01-05"}}),
                "about.temporal.start",
            ),
            (json!({"temporal": {"start": "2026-01-05", "end": "2026-01-04"}}), "about.temporal.end"),
        ] {
            assert_eq!(refused(value.clone()).as_deref(), Some(field), "{value}");
        }
        let whole = json!({"title": "T", "description": "D\nE", "licence": "https://example.org/terms", "keywords": ["a"],
            "publisher": {"name": "A", "url": "https://example.org/"}, "contact": {"email": "a.b@example.org"},
            "spatial": {"name": "L"}, "temporal": {"start": "2026-01-05", "end": "2026-01-05"}, "series": "s"});
        assert_eq!(refused(whole.clone()), None);
        let about: About = serde_json::from_value(whole).unwrap();
        assert!(about.check_public().is_ok());
        assert_eq!(About::kept(about.text().unwrap().as_deref()), about);
        let lacks = About { licence: None, ..about };
        assert_eq!(lacks.check_public().unwrap_err().field.as_deref(), Some("about.licence"));
        assert_eq!(About::default().text().unwrap(), None);
    }
}
