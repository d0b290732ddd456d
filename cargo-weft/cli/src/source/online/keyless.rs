//! Signs without a key of one's own: Fulcio certifies a key that is made for one signature, Rekor logs it.
//!
//! The identity is a token of the CI, or of a file; it is never an argument and never shown.
//! The key is gone when the signature is made. What comes back is checked before anybody gets it; whether
//! the services are to be trusted is for a trusted root to say, that is `cargo weft verify`.

mod ambient;
mod check;
mod token;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sigstore_sign::oidc::IdentityToken;
use sigstore_sign::rekor::RekorApiVersion;
use sigstore_sign::reqwest::{self, Url};
use sigstore_sign::trust_root::SigningConfig;
use sigstore_sign::{SigningContext, SigningServices, SigstoreInstance};

use super::{TIMEOUT, address, block_on, client_within, failed};
use crate::error::Error;
use crate::source::roles::read;

/// The largest signing configuration that is read, in bytes.
const MAX_CONFIG: usize = 1 << 20;

/// How long to ask for the cause of a failure.
const DIAGNOSIS: Duration = Duration::from_secs(5);

/// How the client of timestamp authorities begins to say that it had an answer.
const STATUS: &str = "TSA returned status";

/// Which services sign, and as whom; by default those of the public-good instance, as whom the CI says.
#[derive(Debug, Args)]
#[command(next_help_heading = "Keyless signing")]
pub struct KeylessArgs {
    /// The authority that certifies the signer; by default the public-good instance's
    #[arg(long, value_name = "URL", requires = "rekor", conflicts_with = "signing_config")]
    fulcio: Option<String>,
    /// The log of signatures
    #[arg(long, value_name = "URL", requires = "fulcio")]
    rekor: Option<String>,
    /// The version of the log: 1, or 2, which needs a timestamp authority
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=2))]
    rekor_version: Option<u8>,
    /// The timestamp authority
    #[arg(long, value_name = "URL", requires = "fulcio")]
    tsa: Option<String>,
    /// The services, as Sigstore's signing_config.json has them
    #[arg(long, value_name = "FILE")]
    signing_config: Option<PathBuf>,
    /// The identity token; by default the one that the CI gives
    #[arg(long, value_name = "FILE")]
    identity_token_file: Option<PathBuf>,
}

/// Signs exactly these bytes, an in-toto statement, and returns the bundle's JSON.
///
/// # Errors
///
/// [`Error::Usage`], [`Error::File`], or [`Error::Service`], which names the service and every cause.
pub fn attest(args: &KeylessArgs, statement: &[u8]) -> Result<Vec<u8>, Error> {
    attest_within(args, statement, TIMEOUT, &|name| std::env::var(name).ok())
}

/// Does what [`attest`] does, gives each request so long, and asks for variables of the environment like this.
///
/// # Errors
///
/// Those of [`attest`].
pub fn attest_within(
    args: &KeylessArgs,
    statement: &[u8],
    timeout: Duration,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<u8>, Error> {
    let services = args.services()?;
    let urls = addresses(&services)?;
    // What is not encrypted stays on this machine, whatever proxy there is.
    let is_local = urls.iter().any(|url| url.scheme() == "http");
    let client = client_within(timeout, is_local)?;
    block_on(async {
        let token = match &args.identity_token_file {
            Some(path) => token::from_file(path)?,
            None => ambient::fetch(timeout, variable).await?,
        };
        let token = token::unexpired(token)?;
        sign(services, client, token, statement, timeout).await
    })?
}

async fn sign(
    services: SigningServices,
    client: reqwest::Client,
    token: IdentityToken,
    statement: &[u8],
    timeout: Duration,
) -> Result<Vec<u8>, Error> {
    let secret = token.expose_secret().to_owned();
    let secret = zeroize::Zeroizing::new(secret);
    let context = SigningContext::new(services.clone()).with_http_client(client.clone());
    let signed = context.signer(token).sign_raw_statement(statement).await;
    match signed {
        Ok(bundle) => check::returned(&bundle, statement, &services)
            .map_err(|error| token::redact(error, &secret)),
        Err(error) => Err(explain(&error, &services, &client, timeout, &secret).await),
    }
}

/// Says which service failed, and why.
async fn explain(
    error: &sigstore_sign::Error,
    services: &SigningServices,
    client: &reqwest::Client,
    timeout: Duration,
    secret: &str,
) -> Error {
    use sigstore_sign::{Error as Signing, fulcio, rekor, tsa};
    let (action, service, is_silent) = match error {
        Signing::Config(config) => {
            return Error::usage(config.to_string(), "name services that go together");
        }
        Signing::InvalidStatement(cause) => {
            let help = "only in-toto statements are attested";
            return Error::usage(format!("what is to be signed is no statement: {cause}"), help);
        }
        Signing::Fulcio(error) => (
            "get a certificate from",
            services.fulcio_url(),
            matches!(error, fulcio::Error::Http(_)),
        ),
        Signing::Rekor(error) => {
            ("log the signature at", services.rekor_url(), matches!(error, rekor::Error::Http(_)))
        }
        Signing::Tsa(error) => (
            "get a timestamp from",
            services.tsa_url().unwrap_or("no timestamp authority"),
            matches!(error, tsa::Error::Http(said) if !said.starts_with(STATUS)),
        ),
        _ => ("sign with", "a key for one signature", false),
    };
    let said = token::redact(failed(action, service, error), secret);
    match is_silent {
        true => more(said, &token::clean(&cause(client, service, timeout).await, secret)),
        false => said,
    }
}

/// Asks once more why a service gave no answer: the clients keep the first sentence of that and no cause.
async fn cause(client: &reqwest::Client, service: &str, timeout: Duration) -> String {
    let again = client.get(service).timeout(DIAGNOSIS.min(timeout)).send().await;
    match again.map_err(|error| failed("reach", service, &error)) {
        Err(Error::Service { reason, .. }) => reason,
        _ => format!("it can be reached, and gave no whole answer within {timeout:?}"),
    }
}

fn more(error: Error, cause: &str) -> Error {
    match error {
        Error::Service { action, service, reason } => {
            Error::Service { action, service, reason: format!("{reason}: {cause}") }
        }
        other => other,
    }
}

impl KeylessArgs {
    fn services(&self) -> Result<SigningServices, Error> {
        let version = match self.rekor_version {
            Some(2) => Some(RekorApiVersion::V2),
            Some(_) => Some(RekorApiVersion::V1),
            None => None,
        };
        let services = match (&self.signing_config, &self.fulcio, &self.rekor) {
            (Some(path), _, _) => {
                let config = config(path)?;
                SigningServices::from_signing_config_with_rekor_version(&config, version)
            }
            (None, Some(fulcio), Some(rekor)) => {
                let version = version.unwrap_or(RekorApiVersion::V1);
                let services = SigningServices::new(fulcio, rekor).with_rekor(rekor, version);
                Ok(match &self.tsa {
                    Some(tsa) => services.with_tsa_url(tsa),
                    None => services,
                })
            }
            _ => public_good(version),
        };
        let services = services.and_then(|services| services.validate().map(|()| services));
        services.map_err(|error| {
            Error::usage(
                format!("the services for signing: {error}"),
                "name --fulcio, --rekor and --tsa, or another --signing-config",
            )
        })
    }
}

/// Returns the services of the public-good instance, as they were when this was built.
fn public_good(version: Option<RekorApiVersion>) -> sigstore_sign::Result<SigningServices> {
    let instance = SigstoreInstance::PublicGood;
    match instance.embedded_signing_config()? {
        Some(config) => SigningServices::from_signing_config_with_rekor_version(&config, version),
        None => Err(sigstore_sign::ConfigError::NoSigningConfig(instance).into()),
    }
}

fn config(path: &std::path::Path) -> Result<SigningConfig, Error> {
    let bytes = read(path, MAX_CONFIG)?;
    let refused = |fault: String| {
        let message = format!("{} is no signing configuration: {fault}", path.display());
        Error::usage(message, "name a signing_config.json of version 0.2")
    };
    let text = String::from_utf8(bytes).map_err(|e| refused(e.to_string()))?;
    weft_verify::json::read(text.as_bytes(), weft_verify::json::Limits::FOREIGN)
        .map_err(|rejection| refused(rejection.to_string()))?;
    SigningConfig::from_json(&text).map_err(|e| refused(e.to_string()))
}

/// Reads the addresses, and refuses those that would send a token in the clear.
fn addresses(services: &SigningServices) -> Result<Vec<Url>, Error> {
    let urls = [Some(services.fulcio_url()), Some(services.rekor_url()), services.tsa_url()];
    urls.into_iter().flatten().map(|url| address("the URL of a service", url)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_services_are_those_of_the_public_good_instance() {
        let services = public_good(None).unwrap();
        let urls = addresses(&services).unwrap();
        assert!(urls.iter().all(|url| url.scheme() == "https"));
        assert!(services.fulcio_url().ends_with(".sigstore.dev"));
    }
}
