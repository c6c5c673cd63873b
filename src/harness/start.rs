//! Starting the databases of a configuration: all of them, or none and an error.

use std::sync::Arc;

use super::blueprint::Blueprint;
use super::bound::{Bound, Start};
use super::dynamic::DynamicBind;
use super::end::Keeper;
use super::folder::Folder;
use super::images::Images;
use super::prepare::Preparation;
use super::prepared::Stage;
use super::running::{Instruments, RunningBind};
use super::shared_data::with_data;
use super::{reference, state, Harness, Running, Transactions};
use crate::config::{DatabaseSpec, Resolved, Settled};
use crate::database::{Database, Uses};
use crate::error::{Error, Result};
#[cfg(feature = "sqlx")]
use crate::instrument::follow;
use crate::instrument::{compared, watch_log, Presence, Recorder, Rules};
use crate::key::{BindKey, PerBind};
use crate::list::filtered;
use crate::sorted::Sorted;
use crate::sqlite::check_library;

/// Starts the binds of a configuration, as they are after the stages; `keeper` saves the databases where they are to be kept, and
/// `transactions` describes those that an error is about.
pub(crate) fn start(config: &Settled, stages: &[Stage], keeper: Keeper, transactions: Transactions) -> Result<Harness> {
    check_library()?;
    let (presence, compared_before) = (Presence::begin(), compared());
    let Resolved { sources, replicas } = config.resolve()?;
    let images = Images::of(config.chosen_images()).map(Arc::new);
    let blueprints = sources.try_map(|_, spec| Blueprint::read(spec, images.as_ref()))?;
    let (blueprints, mut labels) = with_data(config, &sources, blueprints)?;
    let state = if stages.is_empty() {
        None
    } else {
        let on_connect = |key: &BindKey| {
            let spec = sources.values().iter().find(|spec| spec.key() == key || key.is_of_database_of(spec.key()));
            let replica = || replicas.iter().find(|(_, spec)| spec.key() == key);
            let spec = spec.or_else(|| replica().map(|(replica, _)| &sources[replica.source]));
            spec.map(|spec| spec.options.on_connect.clone())
        };
        let preparation = Preparation {
            stages,
            identity: state::identity(&sources, &blueprints, &replicas, stages),
            images: images.as_deref(),
            on_connect: &on_connect,
            start: &|before| start(config, before, keeper, transactions),
        };
        let state = preparation.state()?;
        if !state.labels().is_empty() {
            Arc::make_mut(&mut labels).add(state.labels());
        }
        Some(state)
    };
    let prepared = |key: &BindKey, spec: &DatabaseSpec| {
        let template = state.as_ref().and_then(|state| state.get(key));
        template.map(|template| Start::of(Arc::clone(template), spec))
    };
    let starts = blueprints.try_map(|bind, blueprint| {
        let spec = &sources[bind];
        prepared(spec.key(), spec).map_or_else(|| blueprint.start(), Ok)
    })?;
    check_parents(&sources, &starts)?;
    let references = reference::resolve(config, &sources, &|bind| starts[bind].template.metadata(sources[bind].key()))?;

    // Those whose databases are not copies of one image.
    let anew = blueprints.try_map_into(|bind, blueprint| {
        let differ = sources[bind].dynamic.is_some() && starts[bind].template.fleeting().is_some();
        Ok::<_, Error>(differ.then(|| blueprint.into_owned()))
    })?;

    let is_known = presence.is_alone() || compared() != compared_before;
    let (recorder, rules) = (Arc::new(Recorder::begun(is_known)), Arc::<Rules>::default());
    if recorder.keeps_writes() {
        watch_log();
        #[cfg(feature = "sqlx")]
        follow();
    }
    let folder = Folder::new(config.chosen_folder());
    let (mut taken, mut urls) = (Vec::new(), Sorted::default());
    for spec in sources.values() {
        for (key, url) in &spec.urls {
            urls.insert(key.clone(), url.to_string());
        }
        if let Some(named) = &spec.identity {
            taken.push((named.clone(), spec.key().clone()));
        }
    }
    let taken = Arc::from(taken);
    let mut anew = anew;
    let mut binds = sources.try_map_into(|bind, mut spec| {
        let start = starts[bind].clone();
        if let Some(chooser) = spec.dynamic.take() {
            let watched = (Arc::clone(&recorder), Arc::clone(&rules));
            let mut own = Sorted::default();
            for (key, template) in state.as_ref().map(|state| state.of_dynamic(spec.key())).unwrap_or_default() {
                own.insert(key, Start::of(template, &spec));
            }
            let dynamic = DynamicBind::new(spec, chooser, Arc::clone(&taken), start, anew[bind].take(), own, watched);
            for key in dynamic.prepared() {
                dynamic.hold_or_make(&key, &|number| folder.file(&format!("{bind}-{number}")))?;
            }
            return Ok(RunningBind::Dynamic(Box::new(dynamic)));
        }
        let image = Arc::clone(&start.template.image);
        let ways = filtered(&spec.made_for, |key| !spec.keys.contains(key));
        let uses = Uses { read_only: spec.read_only, replica: None, ways };
        let file = || folder.file(&bind.to_string());
        let database = Database::start(spec.keys, spec.storage, spec.options, uses, image, &file)?;
        database.watch().report_to(&recorder, &rules, database.keys().clone());
        Ok(RunningBind::Fixed(Arc::new(Bound::new(database, start))))
    })?;
    for (replica, spec) in replicas {
        let start = match state.as_ref().and_then(|state| state.get(spec.key())) {
            Some(template) => Start { template: Arc::clone(template), ..starts[replica.source].clone() },
            None => starts[replica.source].clone(),
        };
        let of = match &binds[replica.source] {
            RunningBind::Fixed(of) => of,
            RunningBind::Dynamic(of) => return Err(of.not_said()),
        };
        let uses = Uses { read_only: true, replica: Some((replica, of.key().clone())), ways: Vec::new() };
        let database = if replica.lags {
            let image = Arc::clone(&start.template.image);
            let number = binds.len();
            let file = || folder.file(&number.to_string());
            let database = Database::start(spec.keys, spec.storage, spec.options, uses, image, &file)?;
            database.watch().is_late();
            database
        } else {
            Database::way_to(of, spec.keys, spec.options, uses)?
        };
        database.watch().report_to(&recorder, &rules, database.keys().clone());
        binds.push(RunningBind::Fixed(Arc::new(Bound::new(database, start))));
    }
    let instruments = Instruments { recorder, rules, presence };
    Ok(Harness::of(Running::new(binds, folder, references, labels, instruments, urls, transactions), keeper))
}

/// Refuses a foreign key whose parent is not in its own bind but in another: SQLite would fail only when a row is
/// written.
fn check_parents(specs: &PerBind<DatabaseSpec>, starts: &PerBind<Start>) -> Result<()> {
    for (bind, spec) in specs.iter().filter(|(_, spec)| !spec.allow_missing_parents) {
        for (table, parent) in &starts[bind].template.facts().missing_parents {
            let mut found = Vec::new();
            for (other, spec) in specs.iter() {
                if other != bind && starts[other].template.metadata(spec.key())?.table(parent).is_some() {
                    found.push(spec.key().clone());
                }
            }
            if !found.is_empty() {
                let (bind, table, parent) = (spec.key().clone(), table.clone(), parent.clone());
                return Err(Error::ForeignParent { bind, table, parent, found, at: None });
            }
        }
    }
    Ok(())
}
