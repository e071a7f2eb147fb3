//! `document`: the texts of agreements.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum DocumentCommand {
    /// Every kind of document with its languages and versions
    #[command(after_help = "Example:\n  bramka document list")]
    List,
    /// Find every mistake in the texts: placeholders, references, clauses that differ between
    /// the languages
    #[command(after_help = "Texts of your own lie in the folder `documents.texts_folder`, named \
                            like nda.pl.md; what is not there is the shipped text. Exit code 2 \
                            if there is a mistake.\n\nExample:\n  bramka document check")]
    Check,
    /// Print the text of a kind before values, as a start for one of your own
    #[command(after_help = "Example:\n  bramka document source framework --language pl > \
                            texts/framework.pl.md")]
    Source {
        /// Kind of document, as `document list` shows it
        #[arg(value_name = "KIND")]
        kind: String,

        /// Language: pl or en
        #[arg(long, value_name = "LANGUAGE", default_value = "pl", value_parser = ["pl", "en"])]
        language: String,
    },
    /// Write a document as PDF or HTML
    #[command(after_help = "Without --values it is filled with invented ones, and says so in no \
                            way: never send it.\n\nExample:\n  bramka document render framework \
                            --language pl --out framework.pdf")]
    Render(Render),
}

#[derive(Debug, Clone, Args)]
pub struct Render {
    /// Kind of document, as `document list` shows it
    #[arg(value_name = "KIND")]
    pub kind: String,

    /// Language: pl or en
    #[arg(long, value_name = "LANGUAGE", default_value = "pl", value_parser = ["pl", "en"])]
    pub language: String,

    /// Where to write; the name ends with .pdf or .html
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// JSON file with the values
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
}
