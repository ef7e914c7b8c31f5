//! Parquet: columns, gathered for a group of rows at a time.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::Type,
};

use super::{Cell, Entry, FIELDS, Field, Kind};

/// Rows of a group: what is gathered before it is written.
const GROUP: usize = 128 << 10;

/// Writes rows as Parquet.
pub struct Writer {
    file: SerializedFileWriter<Shared>,
    written: Shared,
    columns: Vec<Column>,
    rows: usize,
}

/// The bytes that the file consists of, as far as nobody has taken them.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self, out: &mut Vec<u8>) {
        out.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A column of a group: 1 for each row that has a value, 0 for each other, and the values.
struct Column {
    present: Vec<i16>,
    values: Values,
}

enum Values {
    Numbers(Vec<i64>),
    Truths(Vec<bool>),
    Texts(Vec<ByteArray>),
}

impl Writer {
    /// A file without rows.
    pub fn new() -> Result<Self, ParquetError> {
        let fields = FIELDS.iter().map(|field| column_type(field).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder("hits").with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let written = Shared::default();
        let file = SerializedFileWriter::new(written.clone(), Arc::new(schema), Arc::new(properties))?;
        Ok(Self { file, written, columns: FIELDS.iter().map(Column::new).collect(), rows: 0 })
    }

    /// Takes a row. `scratch` is memory to use.
    pub fn add(&mut self, entry: &Entry<'_>, scratch: &mut String) {
        for (field, column) in FIELDS.iter().zip(&mut self.columns) {
            scratch.clear();
            column.add((field.value)(entry, scratch), scratch);
        }
        self.rows += 1;
    }

    /// Appends what can be written: whole groups.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        if self.rows >= GROUP {
            self.close_group()?;
        }
        self.written.take(out);
        Ok(())
    }

    /// Appends the rest.
    pub fn end(mut self, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        self.close_group()?;
        self.file.close()?;
        self.written.take(out);
        Ok(())
    }

    fn close_group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column()? else { break };
            let present = Some(column.present.as_slice());
            match &mut column.values {
                Values::Numbers(values) => writer.typed::<Int64Type>().write_batch(values, present, None)?,
                Values::Truths(values) => writer.typed::<BoolType>().write_batch(values, present, None)?,
                Values::Texts(values) => writer.typed::<ByteArrayType>().write_batch(values, present, None)?,
            };
            writer.close()?;
            column.clear();
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Column {
    fn new(field: &Field) -> Self {
        let values = match field.kind {
            Kind::Number | Kind::Time => Values::Numbers(Vec::new()),
            Kind::Truth => Values::Truths(Vec::new()),
            Kind::Text => Values::Texts(Vec::new()),
        };
        Self { present: Vec::new(), values }
    }

    fn add(&mut self, cell: Cell, text: &str) {
        let fits = match (&mut self.values, cell) {
            (Values::Numbers(values), Cell::Number(number)) => {
                values.push(number as i64);
                true
            }
            (Values::Numbers(values), Cell::Time(time)) => {
                values.push(time);
                true
            }
            (Values::Truths(values), Cell::Truth(truth)) => {
                values.push(truth);
                true
            }
            (Values::Texts(values), Cell::Text) => {
                values.push(text.as_bytes().to_vec().into());
                true
            }
            _ => false,
        };
        self.present.push(fits.into());
    }

    fn clear(&mut self) {
        self.present.clear();
        match &mut self.values {
            Values::Numbers(values) => values.clear(),
            Values::Truths(values) => values.clear(),
            Values::Texts(values) => values.clear(),
        }
    }
}

fn column_type(field: &Field) -> Result<Type, ParquetError> {
    let (physical, logical) = match field.kind {
        Kind::Number => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::NANOS))),
        Kind::Truth => (Physical::BOOLEAN, None),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    Type::primitive_type_builder(field.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}
