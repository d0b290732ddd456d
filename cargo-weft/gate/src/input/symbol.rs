//! Finds functions by their path in a package's Rust files: where they are, and where their body begins.

use proc_macro2::Span;
use std::ops::Range;

use quote::ToTokens;
use syn::spanned::Spanned;

/// The largest Rust file that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its path below the crate, such as `key::Key::check`.
    pub path: String,
    /// Its bytes.
    pub range: Range<usize>,
    /// Its first and last line.
    pub lines: (usize, usize),
    /// The byte behind the `{` of its body.
    pub body: usize,
    /// Whether it is a `const fn`.
    pub is_const: bool,
    /// Whether an attribute excludes it from mutation.
    pub skips_mutation: bool,
}

/// Lists the functions of a file; `module` is the path of its module, empty for the crate's root.
///
/// # Errors
///
/// A sentence: it is not Rust.
pub fn functions(text: &str, module: &str) -> Result<Vec<Function>, String> {
    // Nesting that would exhaust the parser's stack is refused before it is parsed.
    crate::capability::unsafe_words(text)?;
    if depth(text) > 200 {
        return Err("it is nested too deeply".to_owned());
    }
    let file = syn::parse_file(text).map_err(|e| format!("it is not Rust: {e}"))?;
    let mut found = Vec::new();
    items(&file.items, module, &mut found);
    Ok(found)
}

/// Returns how many brackets are open at most, those in strings and comments included.
fn depth(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

fn items(items: &[syn::Item], module: &str, found: &mut Vec<Function>) {
    for item in items {
        match item {
            syn::Item::Fn(function) => {
                let path = join(module, &function.sig.ident.to_string());
                push(found, path, function.span(), &function.block, &function.sig, &function.attrs);
            }
            syn::Item::Mod(inner) => {
                if let Some((_, content)) = &inner.content {
                    self::items(content, &join(module, &inner.ident.to_string()), found);
                }
            }
            syn::Item::Impl(block) => {
                let target = words(&block.self_ty);
                let owner = match &block.trait_ {
                    Some((_, name, _)) => format!("<{target} as {}>", words(name)),
                    None => target,
                };
                for item in &block.items {
                    if let syn::ImplItem::Fn(method) = item {
                        let name = format!("{owner}::{}", method.sig.ident);
                        let path = join(module, &name);
                        push(found, path, method.span(), &method.block, &method.sig, &method.attrs);
                    }
                }
            }
            syn::Item::Trait(block) => {
                for item in &block.items {
                    if let syn::TraitItem::Fn(method) = item
                        && let Some(body) = &method.default
                    {
                        let path = join(module, &format!("{}::{}", block.ident, method.sig.ident));
                        push(found, path, method.span(), body, &method.sig, &method.attrs);
                    }
                }
            }
            _ => {}
        }
    }
}

fn push(
    found: &mut Vec<Function>,
    path: String,
    span: Span,
    block: &syn::Block,
    signature: &syn::Signature,
    attributes: &[syn::Attribute],
) {
    let skips = attributes.iter().any(|attribute| {
        let attribute = words(attribute);
        attribute.contains("mutants::skip") || attribute.contains("mutants :: skip")
    });
    found.push(Function {
        path,
        range: span.byte_range(),
        lines: (span.start().line, span.end().line),
        body: block.brace_token.span.open().byte_range().end,
        is_const: signature.constness.is_some(),
        skips_mutation: skips,
    });
}

/// Returns the tokens of something, without generic arguments and white space.
fn words(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string().replace(' ', "");
    text.split('<').next().unwrap_or_default().to_owned()
}

/// Says whether a function is the one that `symbol` names: by its whole path, or by the end of it.
///
/// A method of a trait may be named by its type alone.
pub fn is_named(function: &Function, symbol: &str) -> bool {
    let ends = |path: &str| {
        path == symbol || path.strip_suffix(symbol).is_some_and(|before| before.ends_with("::"))
    };
    let plain = match (function.path.find('<'), function.path.find(" as "), function.path.find('>'))
    {
        (Some(open), Some(r#as), Some(close)) if open < r#as && r#as < close => format!(
            "{}{}{}",
            &function.path[..open],
            &function.path[open + 1..r#as],
            &function.path[close + 1..]
        ),
        _ => function.path.clone(),
    };
    ends(&function.path) || ends(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "//! A\nfn free() { 1 }\nconst fn fixed() -> u8 { 2 }\nmod m { pub fn inner() {} }\nimpl<T> Set<T> {\n    #[mutants::skip]\n    fn len(&self) -> usize {\n        0\n    }\n}\nimpl Display for Set<u8> { fn fmt(&self) {} }\ntrait T { fn d() {} fn n(); }\n";

    #[test]
    fn functions_are_found_by_their_path() {
        let found = functions(FILE, "a").unwrap();
        let paths: Vec<&str> = found.iter().map(|f| &*f.path).collect();
        assert_eq!(
            paths,
            [
                "a::free",
                "a::fixed",
                "a::m::inner",
                "a::Set::len",
                "a::<Set as Display>::fmt",
                "a::T::d"
            ]
        );
        assert_eq!(&FILE[found[0].range.clone()], "fn free() { 1 }");
        assert_eq!(&FILE[found[0].body..found[0].body + 2], " 1");
        assert_eq!(found[3].lines, (6, 9));
        assert!(found[1].is_const && found[3].skips_mutation && !found[0].skips_mutation);
    }

    #[test]
    fn a_symbol_names_the_end_of_a_path() {
        let found = functions(FILE, "a").unwrap();
        let named = |symbol: &str| found.iter().filter(|f| is_named(f, symbol)).count();
        assert_eq!(named("free"), 1);
        assert_eq!(named("a::free"), 1);
        assert_eq!(named("ree"), 0);
        assert_eq!(named("Set::len"), 1);
        assert_eq!(named("Set::fmt"), 1);
        assert_eq!(named("<Set as Display>::fmt"), 1);
        assert_eq!(named("b::free"), 0);
    }

    #[test]
    fn what_is_not_rust_is_refused() {
        assert!(functions("fn a( {", "").is_err());
        let deep = format!("fn a() {{ {}1{} }}", "(".repeat(5000), ")".repeat(5000));
        assert!(functions(&deep, "").is_err());
    }
}
