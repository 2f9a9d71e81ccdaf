/// The content of a safetensors file: named tensors and texts about them.
///
/// The format (github.com/huggingface/safetensors) is the header's length (UInt64, little-endian), a JSON header, and
/// the tensors' bytes, little-endian and row-major, without holes between them.
public struct SafetensorsFile: Sendable, Equatable {
    /// One tensor as it stands in the file.
    public struct Tensor: Sendable, Equatable {
        /// What an element is.
        public let type: ElementType
        /// Empty for a scalar.
        public let shape: [Int]
        /// Row-major, little-endian; shape's product × `type.size` of them.
        public let bytes: ArraySlice<UInt8>

        /// - Precondition: as many bytes as shape and type say.
        public init(type: ElementType, shape: [Int], bytes: ArraySlice<UInt8>) {
            precondition(shape.reduce(type.size, *) == bytes.count, "bytes do not fit the shape")
            self.type = type
            self.shape = shape
            self.bytes = bytes
        }

        /// An F32 tensor.
        /// - Precondition: as many values as the shape says.
        public init(floats: some Sequence<Float>, shape: [Int]) {
            self.init(type: .f32, shape: shape, bytes: littleEndianBytes(floats.lazy.map(\.bitPattern)))
        }

        /// An I64 tensor.
        /// - Precondition: as many values as the shape says.
        public init(integers: some Sequence<Int>, shape: [Int]) {
            self.init(type: .i64, shape: shape, bytes: littleEndianBytes(integers.lazy.map(Int64.init)))
        }
    }

    /// Element types, by the names that the header has. In the order in which the reference implementation sorts them.
    public enum ElementType: String, Sendable, CaseIterable {
        case bool = "BOOL"
        case u8 = "U8"
        case i8 = "I8"
        case f8e5m2 = "F8_E5M2"
        case f8e4m3 = "F8_E4M3"
        case i16 = "I16"
        case u16 = "U16"
        case f16 = "F16"
        case bf16 = "BF16"
        case i32 = "I32"
        case u32 = "U32"
        case f32 = "F32"
        case f64 = "F64"
        case i64 = "I64"
        case u64 = "U64"

        /// Bytes of an element.
        public var size: Int {
            switch self {
            case .bool, .u8, .i8, .f8e5m2, .f8e4m3: 1
            case .i16, .u16, .f16, .bf16: 2
            case .i32, .u32, .f32: 4
            case .f64, .i64, .u64: 8
            }
        }
    }

    /// Where it was read from, for errors; empty when it was made in memory.
    public let path: String
    /// By name.
    public var tensors: [String: Tensor]
    /// The header's `__metadata__`.
    public var metadata: [String: String]

    /// A file in memory.
    public init(tensors: [String: Tensor] = [:], metadata: [String: String] = [:], path: String = "") {
        self.tensors = tensors
        self.metadata = metadata
        self.path = path
    }

    /// Names in the order of their UTF-8 bytes.
    public var names: [String] { tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    /// A tensor by its name.
    /// - Throws: `CheckpointError.malformed` when there is none.
    public func tensor(_ name: String) throws(CheckpointError) -> Tensor {
        guard let tensor = tensors[name] else {
            throw .malformed(file: path, tensor: name, expected: "such a tensor", found: "none of that name")
        }
        return tensor
    }

    /// A tensor's elements, row-major. F16 and BF16 convert exactly; F64 is rounded to the nearest.
    /// - Throws: `CheckpointError.malformed` when there is no such tensor or it is of another type.
    public func floats(_ name: String) throws(CheckpointError) -> [Float] {
        let tensor = try tensor(name)
        switch tensor.type {
        case .f32: return tensor.words(UInt32.self).map(Float.init(bitPattern:))
        case .f64: return tensor.words(UInt64.self).map { Float(Double(bitPattern: $0)) }
        case .bf16: return tensor.words(UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
        case .f16: return tensor.words(UInt16.self).map(Float.init(halfPrecision:))
        default:
            throw .malformed(
                file: path, tensor: name, expected: "type F32, F64, F16 or BF16", found: tensor.type.rawValue)
        }
    }

    /// A tensor's elements, row-major.
    /// - Throws: `CheckpointError.malformed` when there is no such tensor or it is not of type I64, I32 or U8.
    public func integers(_ name: String) throws(CheckpointError) -> [Int] {
        let tensor = try tensor(name)
        switch tensor.type {
        case .i64: return tensor.words(Int64.self).map(Int.init)
        case .i32: return tensor.words(Int32.self).map(Int.init)
        case .u8: return tensor.bytes.map(Int.init)
        default:
            throw .malformed(file: path, tensor: name, expected: "type I64, I32 or U8", found: tensor.type.rawValue)
        }
    }
}

extension SafetensorsFile.Tensor {
    fileprivate func words<Word: FixedWidthInteger>(_: Word.Type) -> [Word] {
        let size = MemoryLayout<Word>.size
        return bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / size).map {
                Word(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: Word.self))
            }
        }
    }
}

private func littleEndianBytes<Word: FixedWidthInteger>(_ words: some Sequence<Word>) -> ArraySlice<UInt8> {
    let words = words.map(\.littleEndian)
    return words.withUnsafeBytes { Array($0)[...] }
}

extension Float {
    /// The value of an IEEE 754 half, exactly.
    init(halfPrecision bits: UInt16) {
        let sign: FloatingPointSign = bits & 0x8000 == 0 ? .plus : .minus
        let exponent = Int(bits >> 10) & 0x1f
        let fraction = UInt32(bits & 0x3ff)
        let magnitude: Float =
            switch exponent {
            case 0: Float(fraction) * 0x1p-24
            case 0x1f: Float(bitPattern: 0x7f80_0000 | fraction << 13)
            default: Float(bitPattern: UInt32(exponent + 112) << 23 | fraction << 13)
            }
        self = Float(sign: sign, exponent: 0, significand: 1) * magnitude
    }
}
