//! Nothing that the gateway can say of a message is without words, in both languages.

use std::collections::HashSet;

use crate::{
    domain::{MessageEvent, MessageState, Story, story},
    http::portal::texts::{Language, known},
};

#[test]
fn every_story_state_step_and_cause_has_its_words_in_both_languages() {
    let stories = Story::ALL.iter().map(|story| story.as_str());
    let steps: HashSet<&str> =
        story::NOTES.into_iter().chain(MessageEvent::ALL.map(MessageEvent::as_str)).collect();
    let mut keys: Vec<String> = Vec::new();
    let mut add = |prefix: &str, words: &mut dyn Iterator<Item = &str>| {
        keys.extend(words.map(|word| format!("messages-{prefix}-{}", word.replace('_', "-"))));
    };
    add("what", &mut stories.clone());
    add("todo", &mut stories.clone());
    add("state", &mut MessageState::ALL.into_iter().map(MessageState::as_str));
    add("step", &mut steps.into_iter());
    add("cause", &mut story::CAUSES.into_iter());
    add("way", &mut ["mt", "mo"].into_iter());
    let charges = ["accepted", "submitted", "delivered", "late_response", "written_off"];
    add("charge", &mut charges.into_iter());
    for language in Language::ALL {
        let missing: Vec<_> = keys.iter().filter(|key| known(language, key).is_none()).collect();
        assert!(missing.is_empty(), "{language:?}: {missing:?}");
        // Two stories with the same words would tell nothing apart.
        for prefix in ["messages-what-", "messages-state-"] {
            let said: Vec<String> = keys
                .iter()
                .filter(|key| key.starts_with(prefix))
                .filter_map(|key| known(language, key))
                .collect();
            let apart: HashSet<&String> = said.iter().collect();
            assert_eq!(apart.len(), said.len(), "{language:?} {prefix}");
        }
    }
}
