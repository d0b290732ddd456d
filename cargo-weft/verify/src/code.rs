//! Codes of reasons to say no, each with its meaning and what to do.

/// Defines a `Code` enum from one list, so that a code without a meaning or a remedy cannot be written.
///
/// The documentation of a variant is its meaning.
///
/// ```
/// weft_verify::codes! {
///     /// The code of a refusal.
///     pub enum Code {
///         /// The letter is not stamped.
///         Stamp = "letter/stamp", "Stamp it.";
///     }
/// }
/// assert_eq!(Code::ALL, [Code::Stamp]);
/// assert_eq!(Code::Stamp.name(), "letter/stamp");
/// assert_eq!(Code::Stamp.meaning(), "The letter is not stamped.");
/// assert_eq!(Code::Stamp.remedy(), "Stamp it.");
/// ```
#[macro_export]
macro_rules! codes {
    (
        $(#[$about:meta])*
        $visibility:vis enum $name:ident {
            $($(#[doc = $meaning:literal])+ $variant:ident = $code:literal, $remedy:literal;)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        $visibility enum $name {
            $($(#[doc = $meaning])+ $variant,)+
        }

        impl $name {
            /// Every code, in the order of their definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the code as it is written, `family/name`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// Returns a sentence that says what the code means.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($meaning, "\n"),+).trim_ascii(),)+
                }
            }

            /// Returns what to do about it.
            pub fn remedy(self) -> &'static str {
                match self {
                    $(Self::$variant => $remedy,)+
                }
            }
        }
    };
}
