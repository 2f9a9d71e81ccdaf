/// Numbers as little-endian bytes.
enum LittleEndian {
    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    static func append(_ values: [Float], to bytes: inout [UInt8]) {
        #if _endian(little)
            values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        #else
            for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
        #endif
    }

    /// The eight bytes at `offset`, which the caller has checked to exist.
    static func word(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    }

    /// `count` floats at `offset`, which the caller has checked to exist.
    static func floats(_ bytes: [UInt8], at offset: Int, count: Int) -> [Float] {
        bytes.withUnsafeBytes { source in
            [Float](unsafeUninitializedCapacity: count) { target, initialized in
                #if _endian(little)
                    UnsafeMutableRawBufferPointer(target).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: source[offset..<(offset + 4 * count)]))
                #else
                    for i in 0..<count {
                        let word = source.loadUnaligned(fromByteOffset: offset + 4 * i, as: UInt32.self)
                        target.initializeElement(at: i, to: Float(bitPattern: UInt32(littleEndian: word)))
                    }
                #endif
                initialized = count
            }
        }
    }
}
