//! `cargo weft risk simulate`: what campaigns are expected to cost in a year, between which values, and why.

use std::fmt::Write;

use clap::Args;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use weft_gate::inventory::Precision;
use weft_gate::risk::Assessment;
use weft_gate::risk::assessment::{Band, CampaignLoss, Counted};

use super::rank::permille;
use super::{Drawing, Footing, Format, Weighed, losses};
use crate::command::output::{Reports, Text};
use crate::command::{Selection, facts};
use crate::error::{Error, ExitStatus};
use crate::escape::{markdown as markdown_text, markdown_code, terminal};
use crate::report;
use crate::report::table::{Align, layout};

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    reports: Reports<Format>,
}

/// A simulation in JSON.
#[derive(Serialize, JsonSchema)]
struct Simulation {
    /// The day that the ages of versions are reckoned for.
    #[schemars(with = "String")]
    as_of: Date,
    /// What attacks are expected to cost.
    assessment: Assessment,
    /// Which barriers, and whether the cooldown, nothing enforces, so that they do not count.
    not_counted: Vec<String>,
    /// How sharply the graph is known.
    precision: Precision,
    /// The version of this format.
    schema: u32,
}

pub(super) fn run(args: &SimulateArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    let mut loaded = facts::load(&args.selection, args.drawing.day())?;
    loaded.for_risk()?;
    let inventory = loaded.inventory()?;
    let Weighed { model, not_counted } = args.drawing.model(&loaded, inventory)?;
    let settings = args.drawing.settings();
    let assess = || Assessment::of(inventory, &model, settings);
    let assessment =
        args.drawing.install(assess)?.map_err(|e| Error::NoGraph { reason: e.to_string() })?;
    let (as_of, precision) = (loaded.facts.as_of, inventory.precision);
    let simulation = Simulation { as_of, assessment, not_counted, precision, schema: 1 };
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(human(&simulation))),
        Format::Json => report::json::render(&simulation).map(Text::Machine),
        Format::Markdown => Ok(Text::Machine(markdown(&simulation))),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}

const HEADER: [&str; 7] = ["campaign", "runs", "loss", "from", "to", "chance", "unknown"];

fn row(name: String, campaign: &CampaignLoss) -> Vec<String> {
    let chance = if campaign.exact {
        "exact".to_owned()
    } else {
        let part =
            u128::from(campaign.error_nano) * 1000 / u128::from(campaign.band.mean_nano.max(1));
        format!("+-{}.{}%", part / 10, part % 10)
    };
    vec![
        name,
        campaign.executes.as_str().to_owned(),
        losses(campaign.band.mean_nano),
        losses(campaign.band.low_nano),
        losses(campaign.band.high_nano),
        chance,
        campaign.unknown.to_string(),
    ]
}

fn whole(band: Band) -> Vec<String> {
    let [mean, low, high] = [band.mean_nano, band.low_nano, band.high_nano].map(losses);
    vec!["all".to_owned(), String::new(), mean, low, high, String::new(), String::new()]
}

fn human(simulation: &Simulation) -> String {
    use Align::{Left, Right};
    let assessment = &simulation.assessment;
    let campaigns = assessment.campaigns.iter();
    let mut rows: Vec<Vec<String>> =
        campaigns.map(|campaign| row(terminal(&campaign.name), campaign)).collect();
    rows.push(whole(assessment.expected));
    let mut out = layout(&[Left, Left, Right, Right, Right, Left, Right], &HEADER, &rows, 2);
    out.push('\n');
    for (lead, sentence) in sentences(simulation) {
        report::human::paragraph(&mut out, &format!("{lead:9}"), &terminal(&sentence), 2);
    }
    out
}

fn markdown(simulation: &Simulation) -> String {
    let assessment = &simulation.assessment;
    let mut out = format!("| {} |\n|-|-|-:|-:|-:|-|-:|\n", HEADER.join(" | "));
    for campaign in &assessment.campaigns {
        let row = row(markdown_code(&campaign.name), campaign);
        _ = writeln!(out, "| {} |", row.join(" | "));
    }
    _ = writeln!(out, "| {} |", whole(assessment.expected).join(" | "));
    for (lead, sentence) in sentences(simulation) {
        _ = writeln!(out, "\n{lead}: {}", markdown_text(&sentence));
    }
    out
}

/// Says what the table rests on.
fn sentences(simulation: &Simulation) -> Vec<(&'static str, String)> {
    let assessment = &simulation.assessment;
    let mut sentences = vec![
        (
            "loss",
            "what a year is expected to cost, where the policy calls harm of a member 1; nine times in ten \
             it is from `from` to `to`"
                .to_owned(),
        ),
        (
            "order",
            format!(
                "Kendall's tau of the crates under other rates that the counts allow is {}: {}",
                permille(assessment.order.tau_permille),
                if assessment.order.is_ordered { "ordered" } else { "unordered" }
            ),
        ),
        (
            "drawn",
            Footing {
                as_of: simulation.as_of,
                precision: simulation.precision,
                priors: &assessment.priors,
                seed: assessment.seed,
                worlds: assessment.worlds,
            }
            .to_string(),
        ),
    ];
    for campaign in &assessment.campaigns {
        let Some(Counted { among, cases, rate, unit }) = &campaign.counted else { continue };
        let sentence = format!(
            "{} follows from {cases} {rate} in {among} {unit}, and can begin in {}",
            campaign.name,
            match campaign.crates {
                0 => "no crate here".to_owned(),
                crates => report::human::plural(crates, "crate"),
            }
        );
        sentences.push(("counted", sentence));
    }
    for campaign in assessment.campaigns.iter().filter(|campaign| campaign.unknown > 0) {
        let count = report::human::plural(campaign.unknown, "crate");
        let sentence =
            format!("whether {} can begin in {count}, whose age is not known", campaign.name);
        sentences.push(("unknown", sentence));
    }
    sentences.extend(simulation.not_counted.iter().map(|left| ("uncounted", left.clone())));
    for elasticity in assessment.elasticities.iter().filter(|part| part.permille != 0) {
        let permille = i32::try_from(elasticity.permille).unwrap_or(i32::MAX);
        let sentence = format!(
            "one percent more of {} is {} percent more loss",
            elasticity.of,
            super::rank::permille(permille)
        );
        sentences.push(("elastic", sentence));
    }
    for part in &assessment.attribution {
        sentences.push(("without", format!("{}: {}", part.without, losses(part.nano))));
    }
    sentences
}
