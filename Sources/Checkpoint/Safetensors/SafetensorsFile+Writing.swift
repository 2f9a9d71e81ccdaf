extension SafetensorsFile {
    /// Writes the file atomically (see `AtomicFile`). The same content gives the same bytes.
    /// - Throws: `CheckpointError.unwritable`.
    public func write(to path: String) throws(CheckpointError) {
        let ordered = orderedNames
        let payload = ordered.compactMap { tensors[$0]?.bytes }
        try AtomicFile.write([encodedHeader(ordered)[...]] + payload, to: path)
    }

    /// The whole file's bytes.
    public func encoded() -> [UInt8] {
        let ordered = orderedNames
        return ordered.reduce(into: encodedHeader(ordered)) { bytes, name in
            if let tensor = tensors[name] { bytes += tensor.bytes }
        }
    }

    /// As the reference implementation orders them: wider types first, so that every tensor is aligned, then by name.
    private var orderedNames: [String] {
        let ranks = Dictionary(uniqueKeysWithValues: zip(ElementType.allCases, 0...))
        let ranked = tensors.mapValues { ranks[$0.type] ?? 0 }
        return ranked.sorted { left, right in
            left.value == right.value
                ? left.key.utf8.lexicographicallyPrecedes(right.key.utf8) : left.value > right.value
        }.map(\.key)
    }

    /// Length and JSON, padded with spaces so that the tensors begin at a multiple of 8 bytes.
    private func encodedHeader(_ ordered: [String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var offset = 0
        for name in ordered {
            guard let tensor = tensors[name] else { continue }
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            let end = offset + tensor.bytes.count
            members.append(
                "\(quoted(name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
        let length = UInt64(json.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + json
    }
}

/// A text as a JSON string.
private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case "\u{0}"..<" ":
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
