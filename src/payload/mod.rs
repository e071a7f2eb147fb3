pub fn fold(text: &str) -> std::borrow::Cow<'_, str> { text.to_uppercase().into() }
