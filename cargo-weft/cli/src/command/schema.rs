//! `cargo weft schema`: JSON Schemas of the published formats, derived from the types that are written.

use clap::{Args, ValueEnum};
use schemars::generate::SchemaSettings;
use weft_gate::gate::summary::Decided;
use weft_gate::policy::PolicyFile;
use weft_gate::release::reproduce::{Built, Environment, Lock};
use weft_gate::{Inventory, Policy, Verdict};

use super::output;
use super::risk::card::Cards;
use super::update::Proposals;
use crate::error::{Error, ExitStatus};

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// The format
    #[arg(value_enum)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// What `audit --format json` prints
    Report,
    /// What `graph --format json` prints
    Inventory,
    /// What `weft.toml` holds
    Policy,
    /// What `policy show --json` prints
    PolicyInForce,
    /// What `update --format json` prints
    Update,
    /// What `risk card --format json` prints
    RiskCard,
    /// What weft adds to a verification summary, `weft` in its predicate
    Summary,
    /// What `env.json` of a reproducible release holds
    BuildEnvironment,
    /// What its `manifest.json` holds
    BuildManifest,
    /// What its `repro.lock` holds
    BuildLock,
}

pub(super) fn run(args: &SchemaArgs) -> Result<ExitStatus, Error> {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let schema = match args.format {
        Format::Report => generator.into_root_schema_for::<Verdict>(),
        Format::Inventory => generator.into_root_schema_for::<Inventory>(),
        Format::Policy => generator.into_root_schema_for::<PolicyFile>(),
        Format::PolicyInForce => generator.into_root_schema_for::<Policy>(),
        Format::RiskCard => generator.into_root_schema_for::<Cards>(),
        Format::Update => generator.into_root_schema_for::<Proposals>(),
        Format::Summary => generator.into_root_schema_for::<Decided>(),
        Format::BuildEnvironment => generator.into_root_schema_for::<Environment>(),
        Format::BuildManifest => generator.into_root_schema_for::<Built>(),
        Format::BuildLock => generator.into_root_schema_for::<Lock>(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|e| Error::Bug(e.to_string()))?;
    output::print(text + "\n")?;
    Ok(ExitStatus::Passed)
}
