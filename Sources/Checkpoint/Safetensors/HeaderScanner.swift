/// Reads the JSON that safetensors headers consist of, strictly, from bytes. Every fault is a typed error with its place.
struct HeaderScanner {
    private let bytes: ArraySlice<UInt8>
    private var index: Int
    private let file: String

    init(_ bytes: ArraySlice<UInt8>, file: String) {
        self.bytes = bytes
        self.file = file
        index = bytes.startIndex
    }

    /// An object: calls `member` with each key, the scanner standing at its value.
    mutating func object(
        _ member: (_ key: String, inout HeaderScanner) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try expect("{")
        if take("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(key, &self)
        } while take(",")
        try expect("}")
    }

    /// An array of whole numbers from 0 on.
    mutating func numbers() throws(CheckpointError) -> [Int] {
        try expect("[")
        if take("]") { return [] }
        var numbers: [Int] = []
        repeat { numbers.append(try number()) } while take(",")
        try expect("]")
        return numbers
    }

    mutating func string() throws(CheckpointError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte < 0x20 { throw fault("a text without control characters") }
            index += 1
            if byte == UInt8(ascii: "\"") {
                guard let string = String(validating: text, as: UTF8.self) else { throw fault("a text in UTF-8") }
                return string
            }
            if byte == UInt8(ascii: "\\") {
                text.append(contentsOf: Array(String(try escape()).utf8))
            } else {
                text.append(byte)
            }
        }
        throw fault("the end of a text")
    }

    /// Only white space may follow.
    mutating func end() throws(CheckpointError) {
        skipSpace()
        if index < bytes.endIndex { throw fault("nothing but spaces after the header's object") }
    }

    func fault(_ expected: String) -> CheckpointError {
        let place = "at byte \(index - bytes.startIndex) of the header"
        guard index < bytes.endIndex else {
            return .malformed(file: file, tensor: nil, expected: expected, found: "the header's end")
        }
        let byte = bytes[index]
        let shown =
            (0x20..<0x7f).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
        return .malformed(file: file, tensor: nil, expected: expected, found: "\(shown) \(place)")
    }

    private mutating func number() throws(CheckpointError) -> Int {
        skipSpace()
        var value = 0
        let start = index
        while index < bytes.endIndex, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(bytes[index] - UInt8(ascii: "0")))
            if overflow || carry { throw fault("a number below 2^63") }
            value = sum
            index += 1
        }
        if index == start { throw fault("a whole number from 0 on") }
        return value
    }

    private mutating func escape() throws(CheckpointError) -> UnicodeScalar {
        guard index < bytes.endIndex else { throw fault("an escape") }
        let byte = bytes[index]
        let plain: [UInt8: UnicodeScalar] = [
            UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}",
            UInt8(ascii: "f"): "\u{c}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
        ]
        if let scalar = plain[byte] {
            index += 1
            return scalar
        }
        guard byte == UInt8(ascii: "u") else { throw fault("an escape that JSON knows") }
        index += 1
        var code = try codeUnit()
        if (0xd800..<0xdc00).contains(code) {
            guard index + 1 < bytes.endIndex, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
            else { throw fault("the second half of a surrogate pair") }
            index += 2
            let low = try codeUnit()
            guard (0xdc00..<0xe000).contains(low) else { throw fault("the second half of a surrogate pair") }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = UnicodeScalar(code) else { throw fault("a Unicode scalar") }
        return scalar
    }

    private mutating func codeUnit() throws(CheckpointError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.endIndex, let digit = Character(UnicodeScalar(bytes[index])).hexDigitValue
            else { throw fault("four hexadecimal digits") }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }

    private mutating func expect(_ character: UnicodeScalar) throws(CheckpointError) {
        if !take(character) { throw fault("'\(character)'") }
    }

    private mutating func take(_ character: UnicodeScalar) -> Bool {
        skipSpace()
        guard index < bytes.endIndex, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while index < bytes.endIndex, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index]) { index += 1 }
    }
}
