//! Many rows in one statement.
//!
//! A group of changes becomes a few statements of fixed sizes, so that few texts are prepared and
//! each is prepared once. `SQLite` runs on a thread of its own: every statement is a hop, so rows
//! are sent by the dozen.

use std::{fmt::Write, sync::Arc};

/// Rows in one statement: all sizes that are ever prepared, largest first. Powers of two make the
/// fewest statements of a group that is not too large to prepare.
const SIZES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// Cuts `rows` into chunks of the sizes above.
fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (chunk, rest) = rows.split_at(size);
        rows = rest;
        Some(chunk)
    })
}

/// The same for conditions, where a row may stand twice: the last one fills the next size up, so
/// that up to 64 rows are one statement. Gives that size with the rows.
fn padded<T>(rows: &[T]) -> impl Iterator<Item = (usize, impl Iterator<Item = &T>)> {
    rows.chunks(SIZES[0]).filter_map(|chunk| {
        let size = chunk.len().next_power_of_two();
        let last = chunk.last()?;
        Some((size, chunk.iter().chain(std::iter::repeat_n(last, size - chunk.len()))))
    })
}

/// `insert into TABLE (COLUMNS) values (...), (...)` for every size, for one engine.
#[derive(Debug)]
pub(super) struct Insert {
    texts: [Arc<str>; SIZES.len()],
}

impl Insert {
    /// `columns` is a comma-separated list; `suffix` may hold an `on conflict` clause.
    pub(super) fn new(table: &str, columns: &str, suffix: &str, is_postgres: bool) -> Self {
        let width = columns.split(',').count();
        let texts = SIZES.map(|size| {
            let mut text = format!("insert into {table} ({columns}) values ");
            push_tuples(&mut text, size, width, is_postgres);
            text.push_str(suffix);
            text.into()
        });
        Self { texts }
    }

    /// The statements for all of `rows`, each with its own.
    pub(super) fn cut<'r, T>(&self, rows: &'r [T]) -> impl Iterator<Item = (Arc<str>, &'r [T])> {
        chunks(rows).map(|chunk| (self.text(chunk.len()), chunk))
    }

    fn text(&self, rows: usize) -> Arc<str> {
        of_size(&self.texts, rows)
    }
}

/// `BEFORE row SEPARATOR row ... AFTER`, for conditions over many rows.
#[derive(Debug)]
pub(super) struct Listed {
    texts: [Arc<str>; SIZES.len()],
}

impl Listed {
    /// Every `?` of `row` becomes the next placeholder, from `$first` on. `before` may use the
    /// placeholders below `$first`, which the caller binds first.
    pub(super) fn new(before: &str, row: &str, separator: &str, first: usize, after: &str) -> Self {
        let texts = SIZES.map(|size| {
            let mut text = before.to_owned();
            let mut next = first;
            for index in 0..size {
                if index > 0 {
                    text.push_str(separator);
                }
                for piece in row.split_inclusive('?') {
                    match piece.strip_suffix('?') {
                        Some(words) => {
                            write!(text, "{words}${next}").expect("a string takes everything");
                            next += 1;
                        }
                        None => text.push_str(piece),
                    }
                }
            }
            text.push_str(after);
            text.into()
        });
        Self { texts }
    }

    /// The statements for all of `rows`, each with its own; a row may stand twice.
    pub(super) fn cut<'r, T>(
        &self,
        rows: &'r [T],
    ) -> impl Iterator<Item = (Arc<str>, impl Iterator<Item = &'r T>)> {
        padded(rows).map(|(size, rows)| (self.text(size), rows))
    }

    fn text(&self, rows: usize) -> Arc<str> {
        of_size(&self.texts, rows)
    }
}

/// Shared, not copied: the driver wants a text that it may keep, and this is asked for every chunk.
fn of_size(texts: &[Arc<str>; SIZES.len()], rows: usize) -> Arc<str> {
    let index = SIZES.iter().position(|size| *size == rows).expect("chunks have a listed size");
    Arc::clone(&texts[index])
}

/// `SQLite` reads a plain `?` fastest; `PostgreSQL` needs numbers.
fn push_tuples(text: &mut String, rows: usize, width: usize, is_postgres: bool) {
    let mut next = 1;
    for row in 0..rows {
        text.push_str(if row > 0 { ",(" } else { "(" });
        for column in 0..width {
            if column > 0 {
                text.push(',');
            }
            if is_postgres {
                write!(text, "${next}").expect("a string takes everything");
                next += 1;
            } else {
                text.push('?');
            }
        }
        text.push(')');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_have_listed_sizes_and_lose_nothing() {
        let rows: Vec<usize> = (0..151).collect();
        let cut: Vec<&[usize]> = chunks(&rows).collect();
        let sizes: Vec<usize> = cut.iter().map(|chunk| chunk.len()).collect();
        assert_eq!(sizes, [64, 64, 16, 4, 2, 1]);
        assert_eq!(cut.concat(), rows);
    }

    #[test]
    fn conditions_are_filled_up_to_a_listed_size() {
        let listed = |count: usize| -> Vec<(usize, Vec<usize>)> {
            let rows: Vec<usize> = (0..count).collect();
            padded(&rows).map(|(size, rows)| (size, rows.copied().collect())).collect()
        };
        assert_eq!(listed(0), []);
        assert_eq!(listed(3), [(4, vec![0, 1, 2, 2])]);
        for count in 1..200 {
            let cut = listed(count);
            assert_eq!(cut.len(), count.div_ceil(64));
            for (size, rows) in &cut {
                assert!(SIZES.contains(size) && rows.len() == *size, "{count}");
            }
            let mut all: Vec<usize> = cut.into_iter().flat_map(|(_, rows)| rows).collect();
            all.dedup();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_text_is_made_once_and_never_copied() {
        let insert = Insert::new("t", "a", "", false);
        assert!(Arc::ptr_eq(&insert.text(16), &insert.text(16)));
        let listed = Listed::new("delete from t where ", "a = ?", " or ", 1, "");
        assert!(Arc::ptr_eq(&listed.text(1), &listed.text(1)));
    }

    #[test]
    fn texts_number_their_placeholders() {
        let insert = Insert::new("t", "a, b", " on conflict do nothing", true);
        assert_eq!(
            &*insert.text(4),
            "insert into t (a, b) values ($1,$2),($3,$4),($5,$6),($7,$8) on conflict do nothing"
        );
        let delete = Listed::new("delete from t where ", "(a = ? and b = ?)", " or ", 1, "");
        assert_eq!(
            &*delete.text(4),
            "delete from t where (a = $1 and b = $2) or (a = $3 and b = $4) \
             or (a = $5 and b = $6) or (a = $7 and b = $8)"
        );
        let update = Listed::new("update t set s = $1 where id in (", "?", ",", 2, ")");
        assert_eq!(&*update.text(4), "update t set s = $1 where id in ($2,$3,$4,$5)");
    }
}
