//! Markup as it is written: elements are closed in the order in which they were opened, and every text is escaped.

use super::escape::escape;

/// The attributes of an element.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A document that is being written.
#[derive(Default)]
pub(super) struct Html {
    text: String,
    open: Vec<&'static str>,
}

impl Html {
    /// Writes markup as it is; only this crate's own is known when it is compiled.
    pub(super) fn markup(&mut self, markup: &'static str) {
        self.text.push_str(markup);
    }

    /// Opens an element.
    pub(super) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.tag(tag, attributes, ">");
        self.open.push(tag);
    }

    /// Closes the element that was opened last.
    pub(super) fn close(&mut self) {
        let Some(tag) = self.open.pop() else { return };
        self.text.push_str("</");
        self.text.push_str(tag);
        self.text.push('>');
        if matches!(
            tag,
            "tr" | "dd" | "details" | "section" | "div" | "p" | "li" | "h2" | "h3" | "header" | "g" | "summary"
        ) {
            self.text.push('\n');
        }
    }

    /// Writes an element that has no contents.
    pub(super) fn void(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.tag(tag, attributes, "/>");
    }

    /// Writes a text.
    pub(super) fn text(&mut self, text: &str) {
        escape(text, &mut self.text);
    }

    /// Writes an element with a text.
    pub(super) fn element(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.open(tag, attributes);
        self.text(text);
        self.close();
    }

    /// Writes what another one has, which is whole.
    pub(super) fn append(&mut self, other: Html) {
        self.text.push_str(&other.finish());
    }

    /// Returns the number of bytes so far.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns the document.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn tag(&mut self, tag: &str, attributes: Attributes<'_>, end: &str) {
        self.text.push('<');
        self.text.push_str(tag);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(value, &mut self.text);
            self.text.push('"');
        }
        self.text.push_str(end);
    }
}

#[cfg(test)]
mod tests {
    use super::Html;

    #[test]
    fn elements_are_closed_in_order() {
        let mut html = Html::default();
        html.open("p", &[("class", "\"><script>")]);
        html.element("b", &[], "a < b");
        html.void("hr", &[]);
        html.open("i", &[]);
        assert_eq!(html.finish(), "<p class=\"&quot;&gt;&lt;script&gt;\"><b>a &lt; b</b><hr/><i></i></p>\n");
    }
}
