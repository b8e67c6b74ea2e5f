//! Tables of parquet as upstream's preparing scripts write them with `datasets`: structs of structs (specification userrl §7.1), with all the
//! columns that an importer has to pass over, written level by level.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::BoolType;
use parquet::data_type::ByteArray;
use parquet::data_type::ByteArrayType;
use parquet::data_type::Int64Type;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::parser::parse_message_type;

/// How pages are compressed.
#[derive(Clone, Copy)]
pub enum Codec {
    /// As pyarrow does.
    Snappy,
    /// Not at all.
    None,
}

type Rows<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// A table with a row for each of these gym keys; a key that a row lacks is null there, as in merged files.
pub fn write_table(rows: &[BTreeMap<String, String>], codec: Codec) -> Vec<u8> {
    let keys: BTreeSet<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
    // A struct without fields cannot be written.
    let style = "style".to_owned();
    let keys: Vec<&String> = if keys.is_empty() { vec![&style] } else { keys.into_iter().collect() };
    let fields: String = keys.iter().map(|key| format!("OPTIONAL BYTE_ARRAY {key} (UTF8);")).collect();
    let schema = format!(
        "message schema {{
            OPTIONAL BYTE_ARRAY data_source (UTF8);
            OPTIONAL group prompt (LIST) {{ REPEATED group list {{ OPTIONAL group element {{
                OPTIONAL BYTE_ARRAY content (UTF8); OPTIONAL BYTE_ARRAY role (UTF8);
            }} }} }}
            OPTIONAL BYTE_ARRAY ability (UTF8);
            OPTIONAL group reward_model {{ {fields} }}
            OPTIONAL group extra_info {{
                OPTIONAL INT64 index; OPTIONAL BOOLEAN need_tools_kwargs; OPTIONAL BYTE_ARRAY split (UTF8);
                OPTIONAL group tools_kwargs {{ OPTIONAL group interact_with_env {{ OPTIONAL group create_kwargs {{ {fields} }} }} }}
            }}
        }}"
    );
    let count = rows.len();
    write(&schema, codec, |group| {
        texts(group, &vec![Some("interact_gym"); count], 1, None);
        // Two messages a row: system, user.
        texts(group, &vec![Some("You are an agent."); 2 * count], 4, Some(&[0, 1].repeat(count)));
        texts(group, &[Some("system"), Some("user")].repeat(count), 4, Some(&[0, 1].repeat(count)));
        texts(group, &vec![Some("interaction"); count], 1, None);
        for key in &keys {
            texts(group, &column(rows, key), 2, None);
        }
        let mut writer = group.next_column().expect("the writer takes it").expect("a column is left");
        let index: Vec<i64> = (0..).take(count).collect();
        writer.typed::<Int64Type>().write_batch(&index, Some(&vec![2; count]), None).expect("the writer takes it");
        writer.close().expect("the writer takes it");
        let mut writer = group.next_column().expect("the writer takes it").expect("a column is left");
        writer
            .typed::<BoolType>()
            .write_batch(&vec![true; count], Some(&vec![2; count]), None)
            .expect("the writer takes it");
        writer.close().expect("the writer takes it");
        texts(group, &vec![Some("train"); count], 2, None);
        for key in &keys {
            texts(group, &column(rows, key), 5, None);
        }
    })
}

/// A table of something else.
pub fn write_other() -> Vec<u8> {
    write("message schema { REQUIRED BYTE_ARRAY question (UTF8); }", Codec::None, |group| {
        texts(group, &[Some("Who?")], 0, None)
    })
}

fn column<'a>(rows: &'a [BTreeMap<String, String>], key: &str) -> Vec<Option<&'a str>> {
    rows.iter().map(|row| row.get(key).map(String::as_str)).collect()
}

fn write(schema: &str, codec: Codec, columns: impl Fn(&mut Rows<'_>)) -> Vec<u8> {
    let compression = match codec {
        Codec::Snappy => Compression::SNAPPY,
        Codec::None => Compression::UNCOMPRESSED,
    };
    let properties = WriterProperties::builder().set_compression(compression).build();
    let schema = Arc::new(parse_message_type(schema).expect("the writer takes it"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("the writer takes it");
    let mut group = writer.next_row_group().expect("the writer takes it");
    columns(&mut group);
    group.close().expect("the writer takes it");
    writer.into_inner().expect("the writer takes it")
}

/// A column of texts that are there at this level of definition; a null's struct is there, but not the text itself.
fn texts(group: &mut Rows<'_>, column: &[Option<&str>], level: i16, repeated: Option<&[i16]>) {
    let mut writer = group.next_column().expect("the writer takes it").expect("a column is left");
    let values: Vec<ByteArray> = column.iter().flatten().map(|text| ByteArray::from(*text)).collect();
    let levels: Vec<i16> = column.iter().map(|text| if text.is_some() { level } else { level - 1 }).collect();
    let levels = (level > 0).then_some(levels.as_slice());
    writer.typed::<ByteArrayType>().write_batch(&values, levels, repeated).expect("the writer takes it");
    writer.close().expect("the writer takes it");
}
