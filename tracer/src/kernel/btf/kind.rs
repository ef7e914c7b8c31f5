//! Kinds of types and how much follows each header.

/// `BTF_KIND_*` of `include/uapi/linux/btf.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An integer.
    Int,
    /// A pointer.
    Pointer,
    /// An array.
    Array,
    /// A struct.
    Struct,
    /// A union.
    Union,
    /// An enum of 32-bit values.
    Enum,
    /// A struct or union that is only declared.
    Forward,
    /// A typedef.
    Typedef,
    /// `volatile`.
    Volatile,
    /// `const`.
    Const,
    /// `restrict`.
    Restrict,
    /// A function.
    Function,
    /// A function's parameters and result.
    Prototype,
    /// A variable.
    Variable,
    /// Variables of a section.
    Section,
    /// A floating-point number.
    Float,
    /// A remark on a declaration.
    DeclarationTag,
    /// A remark on a type.
    TypeTag,
    /// An enum of 64-bit values.
    Enum64,
    /// Newer than this reader.
    Other(u8),
}

impl Kind {
    pub(super) fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Int,
            2 => Self::Pointer,
            3 => Self::Array,
            4 => Self::Struct,
            5 => Self::Union,
            6 => Self::Enum,
            7 => Self::Forward,
            8 => Self::Typedef,
            9 => Self::Volatile,
            10 => Self::Const,
            11 => Self::Restrict,
            12 => Self::Function,
            13 => Self::Prototype,
            14 => Self::Variable,
            15 => Self::Section,
            16 => Self::Float,
            17 => Self::DeclarationTag,
            18 => Self::TypeTag,
            19 => Self::Enum64,
            other => Self::Other(other),
        }
    }

    pub(super) fn number(self) -> u8 {
        match self {
            Self::Int => 1,
            Self::Pointer => 2,
            Self::Array => 3,
            Self::Struct => 4,
            Self::Union => 5,
            Self::Enum => 6,
            Self::Forward => 7,
            Self::Typedef => 8,
            Self::Volatile => 9,
            Self::Const => 10,
            Self::Restrict => 11,
            Self::Function => 12,
            Self::Prototype => 13,
            Self::Variable => 14,
            Self::Section => 15,
            Self::Float => 16,
            Self::DeclarationTag => 17,
            Self::TypeTag => 18,
            Self::Enum64 => 19,
            Self::Other(other) => other,
        }
    }

    /// Does not change how a value lies in memory, only how the source may use it.
    pub fn is_qualifier(self) -> bool {
        matches!(self, Self::Typedef | Self::Volatile | Self::Const | Self::Restrict | Self::TypeTag)
    }

    /// As a message says it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Struct => "struct",
            Self::Union => "union",
            Self::Enum | Self::Enum64 => "enum",
            Self::Function => "function",
            Self::Typedef => "typedef",
            _ => "type",
        }
    }
}

/// Bytes after the header of a type: a fixed part and one part for each of its `vlen` elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) fixed: u8,
    pub(super) element: u8,
}

/// Indexed by kind number.
pub(super) const LAYOUTS: [Layout; 20] = [
    layout(0, 0), // void has no header of its own
    layout(4, 0), // int
    layout(0, 0),
    layout(12, 0), // array
    layout(0, 12), // struct
    layout(0, 12), // union
    layout(0, 8),  // enum
    layout(0, 0),
    layout(0, 0),
    layout(0, 0),
    layout(0, 0),
    layout(0, 0),
    layout(0, 0),  // function
    layout(0, 8),  // prototype
    layout(4, 0),  // variable
    layout(0, 12), // section
    layout(0, 0),
    layout(4, 0), // declaration tag
    layout(0, 0),
    layout(0, 12), // enum64
];

const fn layout(fixed: u8, element: u8) -> Layout {
    Layout { fixed, element }
}
