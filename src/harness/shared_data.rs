//! Data that hangs on the tables of several binds: found out once, and given to each bind that it is for.

use std::sync::Arc;

use super::blueprint::Blueprint;
use super::reference;
use crate::config::{DatabaseSpec, Settled};
use crate::data::{self, DataFile, Distributed, Files, Labels, Scenario, Target};
use crate::error::{Error, Result};
use crate::key::{BindKey, Keys, PerBind};
use crate::list::mapped;
use crate::schema::affinities;
use crate::sqlite::store::Identity;
use crate::sync::{Blocked, OnceCache};

/// The most of it kept that no start uses.
const MOST: usize = 32;
static SHARES: OnceCache<Identity, Shares> = OnceCache::new(MOST);

/// The data of each bind.
struct Shares {
    files: PerBind<Vec<DataFile>>,
    labels: Arc<Labels>,
    /// Set where the tables are made at each start themselves.
    is_fleeting: bool,
}

/// Everything that decides which bind has which of the data.
#[derive(Hash)]
struct Parts<'s> {
    files: &'s [DataFile],
    scenarios: &'s [Scenario],
    tables: Vec<(Vec<u8>, &'s Keys)>,
    references: Vec<(&'s str, &'s str)>,
}

/// Adds to the blueprints the data whose bind or values hang on the tables: each file goes to the bind that has its table, and each
/// row of a scenario to its own. Also returns the labels of the rows.
pub(super) fn with_data<'s>(
    config: &Settled,
    specs: &PerBind<DatabaseSpec>,
    mut blueprints: PerBind<Blueprint<'s>>,
) -> Result<(PerBind<Blueprint<'s>>, Arc<Labels>)> {
    let mut files = Files::at(&config.shared_data(), None)?;
    let mut own = PerBind::<Vec<DataFile>>::default();
    for blueprint in blueprints.values_mut() {
        let (of_bind, mut scenarios) = blueprint.take_scenarios();
        own.push(of_bind);
        files.scenarios.append(&mut scenarios);
    }
    if files.files.is_empty() && files.scenarios.is_empty() {
        return Ok((blueprints, Arc::default()));
    }
    let shares = match identity(config, specs, &blueprints, &files) {
        Some(identity) => {
            let limit = specs.values().iter().map(|spec| spec.options.schema_limit()).max().unwrap_or_default();
            let blocked = |blocked: Blocked| {
                let bind = specs.values().first().map_or(BindKey::DEFAULT, |spec| spec.key().clone());
                Error::Schema { bind, file: None, line: None, problem: blocked.problem(), at: None }
            };
            let make = || shares(config, specs, &blueprints, files.clone());
            SHARES.get_or_make(&identity, limit, make, |shares| !shares.is_fleeting, blocked)?
        }
        None => Arc::new(shares(config, specs, &blueprints, files)?),
    };
    let blueprints = blueprints.try_map_into(|bind, blueprint| {
        let mut data = std::mem::take(&mut own[bind]);
        data.extend_from_slice(&shares.files[bind]);
        Ok::<_, Error>(blueprint.with(data))
    })?;
    Ok((blueprints, Arc::clone(&shares.labels)))
}

/// Returns the identity of the shares; `None` where nothing is known of a bind's tables beforehand.
fn identity(
    config: &Settled,
    specs: &PerBind<DatabaseSpec>,
    blueprints: &PerBind<Blueprint<'_>>,
    files: &Files,
) -> Option<Identity> {
    let mut tables = Vec::with_capacity(blueprints.len());
    for (bind, blueprint) in blueprints.iter() {
        tables.push((blueprint.shape()?.identity().bytes().to_vec(), &specs[bind].made_for));
    }
    let references = config.references();
    let references = mapped(references, |reference| (reference.from.as_str(), reference.to.as_str()));
    Some(Identity::of(&Parts { files: &files.files, scenarios: &files.scenarios, tables, references }))
}

fn shares(
    config: &Settled,
    specs: &PerBind<DatabaseSpec>,
    blueprints: &PerBind<Blueprint<'_>>,
    files: Files,
) -> Result<Shares> {
    let templates = blueprints.try_map(|_, blueprint| blueprint.template())?;
    let tables = templates.try_map(|bind, template| template.metadata(specs[bind].key()))?;
    let targets = tables.map(|bind, tables| {
        let (template, key) = (&templates[bind], specs[bind].key());
        let affinities = |table: &str, columns: &[&str]| {
            let read = template.image.with(|conn| affinities(conn, table, columns));
            read.and_then(|read| read).map_err(Error::sql(key))
        };
        Target { keys: &specs[bind].made_for, metadata: tables, affinities: Box::new(affinities) }
    });
    let links = reference::links(config, specs, &|bind| Ok(Arc::clone(&tables[bind])));
    let Distributed { files, labels } = data::distribute(files, &targets, &links, &Labels::default())?;
    let is_fleeting = templates.values().iter().any(|template| template.fleeting().is_some());
    Ok(Shares { files, labels: Arc::new(labels), is_fleeting })
}
