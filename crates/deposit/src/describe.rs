//! Metadata of a release, in the format of each repository.

use serde_json::{Value, json};
use thiserror::Error;

/// Metadata of a release. All of it is public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Title.
    pub title: String,
    /// Description, in sentences; the promise of privacy among them.
    pub description: String,
    /// Who publishes it.
    pub publisher: String,
    /// Name of the contact.
    pub contact: Option<String>,
    /// E-mail of the contact.
    pub email: Option<String>,
    /// Identifier of the SPDX list, or address of the terms.
    pub licence: Option<String>,
    /// Keywords.
    pub keywords: Vec<String>,
    /// Version, as `day 3`.
    pub version: String,
    /// Day of publication, YYYY-MM-DD.
    pub issued: String,
    /// Address of its page, which stays.
    pub page: String,
}

/// What a repository requires and the facts lack.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "{0} is required by this repository: set it with PATCH /v1/datasets/{{id}} {{\"about\": …}} and publish anew"
)]
pub struct Missing(pub &'static str);

impl Facts {
    /// The metadata for InvenioRDM: its own schema, resource type `dataset`.
    pub fn for_invenio(&self) -> Value {
        let mut metadata = json!({
            "resource_type": {"id": "dataset"},
            "title": self.title,
            "publication_date": self.issued,
            "creators": [{"person_or_org": {"type": "organizational", "name": self.publisher}}],
            "description": paragraphs(&self.description),
            "publisher": self.publisher,
            "version": self.version,
            "subjects": self.keywords.iter().map(|word| json!({"subject": word})).collect::<Vec<_>>(),
            "related_identifiers": [{"identifier": self.page, "scheme": "url", "relation_type": {"id": "isidenticalto"}, "resource_type": {"id": "dataset"}}],
        });
        match &self.licence {
            // Its vocabulary has the identifiers of the SPDX list in small letters.
            Some(licence) if !licence.contains("://") => {
                metadata["rights"] = json!([{"id": licence.to_lowercase()}])
            }
            Some(terms) => metadata["rights"] = json!([{"title": {"en": "Terms of use"}, "link": terms}]),
            None => {}
        }
        json!({"access": {"record": "public", "files": "public"}, "files": {"enabled": true}, "metadata": metadata})
    }

    /// The metadata for Dataverse: the citation block, which requires title, author, contact, description and
    /// subject.
    ///
    /// # Errors
    /// What is missing: an e-mail to write to.
    pub fn for_dataverse(&self, subject: &str) -> Result<Value, Missing> {
        let email = self.email.as_ref().ok_or(Missing("about.contact.email"))?;
        let one = |name: &str, value: &str| json!({"typeName": name, "typeClass": "primitive", "multiple": false, "value": value});
        let several = |name: &str, of: Vec<Value>| json!({"typeName": name, "typeClass": "compound", "multiple": true, "value": of});
        let contact = self.contact.as_ref().unwrap_or(&self.publisher);
        let mut fields = vec![
            one("title", &self.title),
            one("alternativeURL", &self.page),
            several("author", vec![json!({"authorName": one("authorName", &self.publisher)})]),
            several(
                "datasetContact",
                vec![
                    json!({"datasetContactName": one("datasetContactName", contact), "datasetContactEmail": one("datasetContactEmail", email)}),
                ],
            ),
            several(
                "dsDescription",
                vec![
                    json!({"dsDescriptionValue": one("dsDescriptionValue", &paragraphs(&self.description))}),
                ],
            ),
            json!({"typeName": "subject", "typeClass": "controlledVocabulary", "multiple": true, "value": [subject]}),
            json!({"typeName": "kindOfData", "typeClass": "primitive", "multiple": true, "value": ["synthetic network trace"]}),
        ];
        if !self.keywords.is_empty() {
            let words = self.keywords.iter().map(|word| json!({"keywordValue": one("keywordValue", word)}));
            fields.push(several("keyword", words.collect()));
        }
        let mut version =
            json!({"metadataBlocks": {"citation": {"displayName": "Citation Metadata", "fields": fields}}});
        match self.licence.as_deref() {
            Some("CC0-1.0") => {
                version["license"] =
                    json!({"name": "CC0 1.0", "uri": "http://creativecommons.org/publicdomain/zero/1.0"});
            }
            Some("CC-BY-4.0") => {
                version["license"] =
                    json!({"name": "CC BY 4.0", "uri": "http://creativecommons.org/licenses/by/4.0"});
            }
            // Others are not in the list that every installation has: they are told as terms.
            Some(other) => version["termsOfUse"] = json!(other),
            None => {}
        }
        Ok(version)
    }
}

/// Text as HTML, which both repositories show: a paragraph a line.
fn paragraphs(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("<p>{line}</p>")).collect()
}
