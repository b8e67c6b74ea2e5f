//! The databases that tools read and write: one base, shared by all episodes and never changed, and what an episode changes on it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::Value;
use super::python;

/// Which of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// An online shop.
    Retail,
    /// An airline.
    Airline,
}

impl Domain {
    /// Both.
    pub const ALL: [Domain; 2] = [Domain::Retail, Domain::Airline];

    /// `retail` or `airline`: also the name of its folder in tau-bench's data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Domain::Retail => "retail",
            Domain::Airline => "airline",
        }
    }

    /// Its tables, sorted by their names.
    #[must_use]
    pub fn tables(self) -> [Table; 3] {
        match self {
            Domain::Retail => [Table::Orders, Table::Products, Table::Users],
            Domain::Airline => [Table::Flights, Table::Reservations, Table::Users],
        }
    }
}

/// One table of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Airline: flights with their dates, by number.
    Flights,
    /// Retail: orders by id, such as `#W2611340`.
    Orders,
    /// Retail: products with their variants, by id.
    Products,
    /// Airline: reservations by id.
    Reservations,
    /// Customers by id.
    Users,
}

impl Table {
    /// Its name: also that of its file, without `.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Table::Flights => "flights",
            Table::Orders => "orders",
            Table::Products => "products",
            Table::Reservations => "reservations",
            Table::Users => "users",
        }
    }
}

/// A database as it is before anybody calls a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Texts", into = "Texts")]
pub struct Database {
    /// Whose.
    pub domain: Domain,
    /// What its agents must keep to, for people and models.
    pub policy: String,
    /// In the order of [`Domain::tables`].
    tables: [Records; 3],
}

/// What a database is written as: each table as one text of JSON, since pretty-printed it would be several times as long.
#[derive(Serialize, Deserialize)]
struct Texts {
    domain: Domain,
    policy: String,
    tables: [String; 3],
}

/// A table's records in the order they were written in.
#[derive(Clone, Debug)]
struct Records {
    records: Vec<(String, Value)>,
    index: BTreeMap<String, usize>,
}

impl PartialEq for Records {
    fn eq(&self, other: &Records) -> bool {
        self.records == other.records
    }
}

/// Why texts make no database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// Not JSON.
    #[error("{table}: {why}")]
    Json {
        /// Which table.
        table: &'static str,
        /// What the reader says.
        why: String,
    },
    /// JSON of another form.
    #[error("{table}: it is no table of records, each a table under its own id")]
    Form {
        /// Which table.
        table: &'static str,
    },
}

impl TryFrom<Texts> for Database {
    type Error = DatabaseError;

    fn try_from(texts: Texts) -> Result<Database, DatabaseError> {
        let [a, b, c] = &texts.tables;
        Database::read(texts.domain, texts.policy, [a, b, c])
    }
}

impl From<Database> for Texts {
    fn from(database: Database) -> Texts {
        let tables = database.tables.map(|records| python::dumps(&Value::Table(records.records)));
        Texts { domain: database.domain, policy: database.policy, tables }
    }
}

impl Database {
    /// Reads a database out of one text a table, in the order of [`Domain::tables`].
    ///
    /// # Errors
    /// [`DatabaseError`] if a text is not JSON, or no table of tables.
    pub fn read(domain: Domain, policy: String, texts: [&str; 3]) -> Result<Database, DatabaseError> {
        let mut values = [Value::Null, Value::Null, Value::Null];
        for ((value, table), text) in values.iter_mut().zip(domain.tables()).zip(texts) {
            let unreadable =
                |error: serde_json::Error| DatabaseError::Json { table: table.name(), why: error.to_string() };
            *value = serde_json::from_str(text).map_err(unreadable)?;
        }
        Database::of(domain, policy, values)
    }

    /// A database of one table of records a table, in the order of [`Domain::tables`].
    ///
    /// # Errors
    /// [`DatabaseError::Form`] if one is no table of tables, or has a record twice.
    pub fn of(domain: Domain, policy: String, values: [Value; 3]) -> Result<Database, DatabaseError> {
        let names = domain.tables().map(Table::name);
        let [a, b, c] = values;
        Ok(Database { domain, policy, tables: [records(names[0], a)?, records(names[1], b)?, records(names[2], c)?] })
    }

    fn records(&self, table: Table) -> Option<&Records> {
        let at = self.domain.tables().iter().position(|known| *known == table)?;
        Some(&self.tables[at])
    }

    /// A record; `None` if there is none with this id.
    #[must_use]
    pub fn get(&self, table: Table, id: &str) -> Option<&Value> {
        let records = self.records(table)?;
        records.index.get(id).map(|at| &records.records[*at].1)
    }

    /// All records of a table, with their ids, in order.
    pub fn all(&self, table: Table) -> impl Iterator<Item = (&str, &Value)> {
        self.records(table).into_iter().flat_map(|records| &records.records).map(|(id, value)| (id.as_str(), value))
    }
}

fn records(table: &'static str, value: Value) -> Result<Records, DatabaseError> {
    let Value::Table(records) = value else {
        return Err(DatabaseError::Form { table });
    };
    let index: BTreeMap<String, usize> = (0..).zip(&records).map(|(at, (id, _))| (id.clone(), at)).collect();
    let are_tables = records.iter().all(|(_, record)| matches!(record, Value::Table(_)));
    if !are_tables || index.len() != records.len() {
        return Err(DatabaseError::Form { table });
    }
    Ok(Records { records, index })
}

/// What an episode has changed: whole records, by table and id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes(BTreeMap<Table, BTreeMap<String, Value>>);

impl Changes {
    fn get(&self, table: Table, id: &str) -> Option<&Value> {
        self.0.get(&table)?.get(id)
    }

    /// Whether both leave the base in the same state. It is what equal hashes of two whole databases stand for, without hashing them.
    #[must_use]
    pub fn is_same_state(&self, other: &Changes, base: &Database) -> bool {
        let touched = self.0.iter().chain(&other.0).flat_map(|(table, records)| records.keys().map(|id| (*table, id)));
        let mut touched = touched;
        touched.all(|(table, id)| {
            let of = |changes: &'_ Changes| changes.get(table, id).or_else(|| base.get(table, id)).cloned();
            of(self) == of(other)
        })
    }
}

/// A database as one episode sees it.
#[derive(Debug)]
pub struct Store<'a> {
    /// Before the episode.
    pub base: &'a Database,
    /// Since then.
    pub changes: &'a mut Changes,
}

impl Store<'_> {
    /// A record as it is now; `None` if there is none with this id.
    #[must_use]
    pub fn get(&self, table: Table, id: &str) -> Option<&Value> {
        self.changes.get(table, id).or_else(|| self.base.get(table, id))
    }

    /// A record to change; `None` if there is none with this id.
    pub fn edit(&mut self, table: Table, id: &str) -> Option<&mut Value> {
        let base = self.base.get(table, id);
        let records = self.changes.0.entry(table).or_default();
        if let (Some(record), false) = (base, records.contains_key(id)) {
            records.insert(id.to_owned(), record.clone());
        }
        records.get_mut(id)
    }

    /// Adds a record, or puts it in the place of the one that is there.
    pub fn insert(&mut self, table: Table, id: &str, record: Value) {
        self.changes.0.entry(table).or_default().insert(id.to_owned(), record);
    }

    /// All records of a table as they are now: those of the base in its order, then new ones.
    pub fn all(&self, table: Table) -> impl Iterator<Item = (&str, &Value)> {
        let changed = self.changes.0.get(&table);
        let now = move |(id, record)| (id, changed.and_then(|records| records.get(id)).unwrap_or(record));
        let new = changed.into_iter().flatten().filter(move |(id, _)| self.base.get(table, id).is_none());
        self.base.all(table).map(now).chain(new.map(|(id, record)| (id.as_str(), record)))
    }

    /// The text whose SHA-256 tau-bench takes as the hash of the whole database. It is as long as the database.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        python::write_tuple(&self.base.domain.tables(), &mut out, |table, out| {
            let mut records: Vec<(&str, &Value)> = self.all(*table).collect();
            records.sort_by_key(|(id, _)| *id);
            out.push('(');
            python::write_repr(table.name(), out);
            out.push_str(", ");
            python::write_tuple(&records, out, |(id, record), out| python::write_pair(id, record, out));
            out.push(')');
        });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Database {
        let texts = ["{}", r#"{"p":{"name":"Lamp"}}"#, r#"{"a":{"zip":"1"},"b":{"zip":"2"}}"#];
        Database::read(Domain::Retail, String::new(), texts).unwrap()
    }

    #[test]
    fn changes_are_seen_in_the_store_and_never_in_the_base() {
        let (base, mut changes) = (base(), Changes::default());
        let mut store = Store { base: &base, changes: &mut changes };
        store.edit(Table::Users, "b").unwrap().set("zip", Value::text("3"));
        store.insert(Table::Orders, "new", Value::table([]));
        assert!(store.edit(Table::Users, "nobody").is_none());
        assert!(store.get(Table::Flights, "b").is_none(), "a shop has no flights");
        assert_eq!(store.get(Table::Users, "b").unwrap().text_at("zip"), Some("3"));
        assert_eq!(base.get(Table::Users, "b").unwrap().text_at("zip"), Some("2"));
        let zips: Vec<&str> = store.all(Table::Users).filter_map(|(_, user)| user.text_at("zip")).collect();
        assert_eq!(zips, ["1", "3"]);
    }

    #[test]
    fn a_change_that_is_taken_back_leaves_the_same_state() {
        let (base, mut changes) = (base(), Changes::default());
        for zip in ["3", "2"] {
            let mut store = Store { base: &base, changes: &mut changes };
            store.edit(Table::Users, "b").unwrap().set("zip", Value::text(zip));
            assert_eq!(changes.is_same_state(&Changes::default(), &base), zip == "2");
            assert_eq!(Changes::default().is_same_state(&changes, &base), zip == "2");
        }
    }

    #[test]
    fn what_is_no_table_of_tables_is_no_database() {
        for users in ["", "[]", r#"{"a":1}"#, r#"{"a":{},"a":{}}x"#] {
            assert!(Database::read(Domain::Retail, String::new(), ["{}", "{}", users]).is_err(), "{users}");
        }
        let text = serde_json::to_string(&base()).unwrap();
        assert_eq!(serde_json::from_str::<Database>(&text).unwrap(), base());
    }

    #[test]
    fn the_canonical_text_has_all_tables() {
        let (base, mut changes) = (base(), Changes::default());
        let text = Store { base: &base, changes: &mut changes }.canonical();
        let expected = "(('orders', ()), ('products', (('p', (('name', 'Lamp'),)),)), \
                        ('users', (('a', (('zip', '1'),)), ('b', (('zip', '2'),)))))";
        assert_eq!(text, expected);
    }
}
