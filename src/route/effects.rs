//! The effects of a statement on the one bind that it is given to.

use super::access::{changes_schema, control, Act};
use super::catalog::Catalog;
use super::look::pages;
use super::made::check_made;
use super::not_run::not_run;
use super::plan::Effects;
use super::pragma::check_pragma;
use super::stage::Setting;
use super::stages::Stages;
use crate::error::{is_denied, Result};
use crate::key::BindKey;
use crate::list::filtered;

/// Finds the effects of a statement on the catalog's one bind. A statement that SQLite does not accept here may use a
/// temporary table of the session's: what it does is known once it has run.
pub(super) fn effects_on_one(catalog: &Catalog, stages: &mut Stages, sql: &str) -> Result<Effects> {
    let setting = pages(catalog).into_iter().next().unwrap_or_else(|| Setting::of(catalog, &[]));
    let stage = stages.stage(catalog, &setting)?;
    let (accesses, seen) = match stage.see(sql) {
        Ok(seen) => (seen.accesses.clone(), Ok(seen)),
        Err((error, accesses)) => (accesses, Err(error)),
    };
    if let Some(control) = control(&accesses) {
        return Err(not_run(sql, control.instead()));
    }
    for access in &accesses {
        if let Act::Pragma(name, value) = &access.act {
            check_pragma(sql, name, value.as_deref())?;
        }
    }
    if !seen.as_ref().is_ok_and(|seen| seen.explains) {
        let named = filtered(&catalog.keys(), |key| !key.is_default());
        let keys = if named.is_empty() { vec![BindKey::DEFAULT] } else { named };
        for bind in catalog.binds.indexes() {
            check_made(catalog, (&keys, bind), sql, &accesses)?;
        }
    }
    Ok(match seen {
        // A pragma, which is not prepared here.
        Err(error) if is_denied(&error) => {
            Effects { writes: false, changes_schema: Some(false), in_transaction: false }
        }
        Err(_) => Effects { writes: true, changes_schema: None, in_transaction: true },
        Ok(seen) => {
            // SQLite does not ask the authorizer about VACUUM.
            let may_vacuum = seen.accesses.is_empty() && !seen.explains && !seen.readonly;
            let vacuums = may_vacuum && stage.program(sql).is_ok_and(|program| !program.vacuums.is_empty());
            let changes_schema = !seen.explains && changes_schema(&seen.accesses);
            Effects { writes: !seen.readonly, changes_schema: Some(changes_schema), in_transaction: !vacuums }
        }
    })
}
