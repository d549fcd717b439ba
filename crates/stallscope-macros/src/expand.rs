//! From an async fn to a fn that hands its body to stallscope, with a runtime builder to run it on.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::parse_quote;
use syn::spanned::Spanned;
use syn::{AttrStyle, Attribute, Error, Meta, Result, ReturnType, Signature, Type, Visibility};

use crate::args::{self, Arguments, Limit, Setting};
use crate::value::{Flavor, SettingValue};

/// What `#[stallscope::main(arguments)]` on `item` becomes.
///
/// After an error about the arguments the fn is still there, so that an editor goes on to complete and check its body.
pub(crate) fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function: AsyncFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => return with_error(item, &error),
    };
    match understand_main(arguments, &function.signature) {
        Ok(arguments) => function.into_main(&arguments),
        Err(error) => with_error(function.into_main(&Arguments::FALLBACK), &error),
    }
}

/// What `#[stallscope::test(arguments)]` on `item` becomes: as above, and a test.
pub(crate) fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function: AsyncFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => return with_error(item, &error),
    };
    match understand_test(arguments, &function) {
        Ok(arguments) => function.into_test(&arguments),
        Err(error) => with_error(function.into_test(&Arguments::FALLBACK), &error),
    }
}

fn understand_main(arguments: TokenStream, signature: &Signature) -> Result<Arguments> {
    if signature.ident == "main" && !signature.inputs.is_empty() {
        let message = "the main function cannot accept arguments";
        return Err(Error::new_spanned(&signature.ident, message));
    }
    let arguments = Arguments::split(arguments)?;
    must_be_async(signature)?;
    Arguments::read(&args::MAIN, arguments)
}

fn understand_test(arguments: TokenStream, function: &AsyncFn) -> Result<Arguments> {
    if let Some(other) = function.attributes.iter().find(|other| is_test(other)) {
        let message = "second test attribute is supplied, consider removing or changing the order of your test attributes";
        return Err(Error::new_spanned(other, message));
    }
    let arguments = Arguments::split(arguments)?;
    must_be_async(&function.signature)?;
    Arguments::read(&args::TEST, arguments)
}

fn must_be_async(signature: &Signature) -> Result<()> {
    match signature.asyncness {
        Some(_) => Ok(()),
        None => Err(Error::new_spanned(
            signature.fn_token,
            "the `async` keyword is missing from the function declaration",
        )),
    }
}

/// `#[test]`, also by its full path. With another attribute that makes a test of the fn, it would run twice.
fn is_test(attribute: &Attribute) -> bool {
    let Meta::Path(path) = &attribute.meta else {
        return false;
    };
    let names: Vec<String> = path
        .segments
        .iter()
        .map(|part| part.ident.to_string())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    matches!(names[..], ["test"] | ["core" | "std", "prelude", _, "test"])
}

fn with_error(mut tokens: TokenStream, error: &Error) -> TokenStream {
    tokens.extend(error.to_compile_error());
    tokens
}

/// A fn whose body is not looked into: what is wrong in there is for the compiler to say.
struct AsyncFn {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: TokenStream,
    /// Of the body's braces.
    body_span: Span,
}

impl Parse for AsyncFn {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let content;
        let braces = syn::braced!(content in input);
        // The body becomes a block inside the fn, where `#![…]` may not stand.
        for mut attribute in content.call(Attribute::parse_inner)? {
            attribute.style = AttrStyle::Outer;
            attributes.push(attribute);
        }
        Ok(Self {
            attributes,
            visibility,
            signature,
            body: content.parse()?,
            body_span: braces.span.join(),
        })
    }
}

impl AsyncFn {
    fn into_main(self, arguments: &Arguments) -> TokenStream {
        let run = match arguments.flavor {
            Flavor::MultiThread | Flavor::CurrentThread => "run",
            Flavor::Local => "run_local",
        };
        self.expand(run, &builder(arguments), &TokenStream::new())
    }

    fn into_test(mut self, arguments: &Arguments) -> TokenStream {
        let test = match arguments.flavor {
            Flavor::MultiThread | Flavor::CurrentThread => "test",
            Flavor::Local => "test_local",
        };
        self.attributes
            .insert(0, parse_quote!(#[::core::prelude::v1::test]));
        let (builder, limits) = (builder(arguments), limits(arguments));
        // A test can be run more often than once.
        self.expand(test, &quote!(#builder, #limits), &quote!(||))
    }

    /// The fn with a body that calls `run` with what it `takes` and the async block, as it is or `made_by` a closure.
    fn expand(mut self, run: &str, takes: &TokenStream, made_by: &TokenStream) -> TokenStream {
        let keyword = self.signature.asyncness.take();
        // `run` learns from its caller where the root future comes from: this line, not that of the attribute.
        let place = keyword.map_or(self.signature.fn_token.span, |keyword| keyword.span);
        let run = Ident::new(run, place);
        let future = self.future(place);
        let call = quote_spanned!(place=> ::stallscope::__private::#run(#takes, #made_by #future));
        let block = braces(quote!(return #call;), self.body_span);

        let Self {
            attributes,
            visibility,
            signature,
            ..
        } = self;
        quote!(#(#attributes)* #visibility #signature #block)
    }

    /// The body as an async block of the type that the fn declares.
    fn future(&self, place: Span) -> TokenStream {
        let mut block = braces(self.body.clone(), self.body_span);
        if let Some(first_return) = self.first_return() {
            // The parentheses tell the lint `unused_braces` that the inner braces are not the user's idea.
            block = braces(quote!(#first_return (#block)), self.body_span);
        }
        quote_spanned!(place=> async #block)
    }

    /// A `return` that is never reached, because the first one in an async block settles what the block resolves to.
    /// So the body is coerced to and checked against the declared type, as in an async fn, where the user wrote it.
    ///
    /// `None` where the type cannot be repeated.
    fn first_return(&self) -> Option<TokenStream> {
        let (output, place) = match &self.signature.output {
            ReturnType::Default => (quote!(()), self.signature.paren_token.span.join()),
            ReturnType::Type(_, output) if is_nameable(output) => {
                (output.to_token_stream(), output.span())
            }
            ReturnType::Type(..) => return None,
        };
        // What is returned first is what the compiler points at to explain a mismatch: let that be the declared type.
        let declared = Ident::new("declared", place);
        Some(quote_spanned! {Span::mixed_site()=>
            if let ::core::option::Option::Some(#declared) = ::core::option::Option::None::<#output> {
                return #declared;
            }
        })
    }
}

/// Whether a type may be written outside of a signature: `impl Trait` and, on stable Rust, `!` may not.
fn is_nameable(output: &Type) -> bool {
    match output {
        Type::Never(_) => false,
        Type::Group(group) => is_nameable(&group.elem),
        Type::Paren(parentheses) => is_nameable(&parentheses.elem),
        _ => !mentions_impl(output.to_token_stream()),
    }
}

fn mentions_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions_impl(group.stream()),
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// An expression for the builder, by value, with everything set that the arguments ask for.
fn builder(arguments: &Arguments) -> TokenStream {
    let span = Span::mixed_site();
    let tokio = arguments.tokio.as_ref().map_or_else(
        || quote_spanned!(span=> ::stallscope::__private::tokio),
        ToTokens::to_token_stream,
    );
    let new = match arguments.flavor {
        Flavor::MultiThread => quote_spanned!(span=> new_multi_thread),
        Flavor::CurrentThread | Flavor::Local => quote_spanned!(span=> new_current_thread),
    };
    let settings = arguments.settings.iter().map(|Setting { method, value }| {
        let value = match value {
            SettingValue::Plain(value) => value.clone(),
            SettingValue::InRuntime(path) => quote_spanned!(method.span()=> #tokio::runtime::#path),
        };
        quote_spanned!(span=> builder.#method(#value);)
    });
    quote_spanned! {span=>
        {
            use #tokio::runtime::Builder;
            let mut builder = Builder::#new();
            builder.enable_all();
            #(#settings)*
            builder
        }
    }
}

/// An expression for the limits of a test, with everything set that the arguments ask for.
fn limits(arguments: &Arguments) -> TokenStream {
    let span = Span::mixed_site();
    let mut limits = quote_spanned!(span=> ::stallscope::__private::Limits::new());
    for Limit { method, value } in &arguments.limits {
        limits = quote_spanned!(span=> #limits.#method(#value));
    }
    limits
}

fn braces(content: TokenStream, span: Span) -> TokenStream {
    let mut block = Group::new(Delimiter::Brace, content);
    block.set_span(span);
    block.into_token_stream()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_expansion(arguments: TokenStream, item: TokenStream, expected: &TokenStream) {
        assert_eq!(main(arguments, item).to_string(), expected.to_string());
    }

    #[test]
    fn body_becomes_an_async_block_of_the_declared_type() {
        assert_expansion(
            quote!(worker_threads = 2),
            quote! {
                #[above]
                pub(super) async unsafe fn entry<T>(items: &[T]) -> Result<(), T> where T: Clone {
                    #![within]
                    work(items).await?;
                    Ok(())
                }
            },
            &quote! {
                #[above]
                #[within]
                pub(super) unsafe fn entry<T>(items: &[T]) -> Result<(), T> where T: Clone {
                    return ::stallscope::__private::run(
                        {
                            use ::stallscope::__private::tokio::runtime::Builder;
                            let mut builder = Builder::new_multi_thread();
                            builder.enable_all();
                            builder.worker_threads(2usize);
                            builder
                        },
                        async {
                            if let ::core::option::Option::Some(declared) =
                                ::core::option::Option::None::<Result<(), T> >
                            {
                                return declared;
                            }
                            ({
                                work(items).await?;
                                Ok(())
                            })
                        }
                    );
                }
            },
        );
    }

    #[test]
    fn test_is_a_test_with_limits() {
        let expansion = test(
            quote!(
                perturb = "0..200",
                long_poll = "2s",
                start_paused = true,
                conflicts = "allow"
            ),
            quote! {
                #[ignore]
                async fn checks() { work().await }
            },
        );
        let expected = quote! {
            #[::core::prelude::v1::test]
            #[ignore]
            fn checks() {
                return ::stallscope::__private::test(
                    {
                        use ::stallscope::__private::tokio::runtime::Builder;
                        let mut builder = Builder::new_current_thread();
                        builder.enable_all();
                        builder.start_paused(true);
                        builder
                    },
                    ::stallscope::__private::Limits::new()
                        .long_poll(::core::time::Duration::from_millis(2000u64))
                        .conflicts(true)
                        .perturb(0u64..=199u64),
                    || async {
                        if let ::core::option::Option::Some(declared) =
                            ::core::option::Option::None::<()>
                        {
                            return declared;
                        }
                        ({ work().await })
                    }
                );
            }
        };
        assert_eq!(expansion.to_string(), expected.to_string());
    }

    #[test]
    fn type_that_cannot_be_repeated_is_left_to_the_body() {
        for output in [
            quote!(!),
            quote!((!)),
            quote!(Vec<impl Copy>),
            quote!([impl Copy; 2]),
        ] {
            assert_expansion(
                quote!(crate = "a::b", flavor = "local", unhandled_panic = "ignore",),
                quote!(async fn entry() -> #output { body() }),
                &quote! {
                    fn entry() -> #output {
                        return ::stallscope::__private::run_local(
                            {
                                use a::b::runtime::Builder;
                                let mut builder = Builder::new_current_thread();
                                builder.enable_all();
                                builder.unhandled_panic(a::b::runtime::UnhandledPanic::Ignore);
                                builder
                            },
                            async { body() }
                        );
                    }
                },
            );
        }
    }

    #[test]
    fn fn_outlives_a_wrong_argument() {
        let item = || quote!(async fn entry() { unfinished. });
        let right = main(quote!(flavor = "current_thread"), item());
        let wrong = main(quote!(flavor = "green"), item()).to_string();
        let error = wrong.strip_prefix(&right.to_string());
        assert!(
            error.is_some_and(|error| error.contains("compile_error")),
            "{wrong}"
        );
    }

    #[test]
    fn item_outlives_the_attribute_in_the_wrong_place() {
        let item = quote!(
            const NO_FN: u8 = 1;
        );
        let expansion = main(TokenStream::new(), item.clone()).to_string();
        let error = expansion.strip_prefix(&item.to_string());
        assert!(
            error.is_some_and(|error| error.contains("compile_error")),
            "{expansion}"
        );
    }
}
