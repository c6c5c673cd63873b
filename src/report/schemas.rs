//! The report of tables that are not the same in two harnesses.

use super::table::Table;
use crate::observe::Unlike;

/// Reports what is not the same.
pub(crate) fn unlike(unlike: &[Unlike]) -> String {
    let mut table = Table::new(&["bind", "of", "this harness", "the other"]);
    let mut before = None;
    for Unlike { bind, thing, forms } in unlike {
        let [here, there] = forms.each_ref().map(|form| form.as_deref().unwrap_or("not there"));
        if before == Some(bind) {
            table.next_row(&["", thing, here, there]);
        } else {
            table.row(&[&bind.to_string(), thing, here, there]);
        }
        before = Some(bind);
    }
    format!("the schemas are not the same:\n\n{}", table.drawn())
}
