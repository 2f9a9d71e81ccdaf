import Search
import Supernet

/// `strengths.csv`: what was measured for every operation of every edge.
public enum StrengthTable {
    /// The file's text.
    ///
    /// Where a node's edges were chosen by strength, each of them has a line more, with the operation `left_out`: what the
    /// cell is without it.
    ///
    /// `mean_loss` is the loss sum divided by all selection images. Where `complete` is false the sum is over the first
    /// `shards` shards only and `mean_loss` is a lower bound, which already exceeds that of the chosen operation.
    public static func csv(_ result: SelectionResult, space: SearchSpace) -> String {
        var text = "edge,operation,beta,mean_loss,strength,complete,shards,chosen\n"
        for row in result.rows {
            let fields = [
                space.edgeName(row.edge), space.operationName(row.operation),
                row.operation == StrengthTask.leftOut ? "" : "\(row.beta)",
                "\(row.lossSum / Double(max(result.images, 1)))", row.strength.map { "\($0)" } ?? "",
                "\(row.complete)", "\(row.shardsEvaluated)", "\(row.chosen)",
            ]
            text += fields.joined(separator: ",") + "\n"
        }
        return text
    }
}
