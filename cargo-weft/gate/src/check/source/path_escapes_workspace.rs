#![doc = include_str!("path_escapes_workspace.md")]

use crate::check::{Check, Context, each};
use crate::facts::Escape;
use crate::finding::Finding;

/// See the module's page.
pub struct PathEscapesWorkspace;

impl Check for PathEscapesWorkspace {
    fn code(&self) -> &'static str {
        "source/path-escapes-workspace"
    }

    fn page(&self) -> &'static str {
        include_str!("path_escapes_workspace.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let finding = |escape: &Escape| {
            let how = if escape.symlink { " through a symbolic link" } else { "" };
            let (subject, sentence) = match &*escape.package {
                "" => (
                    &escape.path,
                    format!("The member `{}` leads out of the workspace{how}.", escape.path),
                ),
                package => {
                    let path = &escape.path;
                    let sentence = format!(
                        "`{package}` is built from `{path}`, which leads out of the workspace{how}."
                    );
                    (&escape.package, sentence)
                }
            };
            Finding::new(self.code(), subject, escape.place.clone(), sentence)
                .remedy("Move the package into the workspace, or depend on a published release or a pinned commit.")
                .field("path", escape.path.as_str())
        };
        Ok(each(context.facts().escapes.as_ref()?, finding))
    }
}
