import Search
import Supernet

/// `strengths.csv`: what was measured for every operation of every edge.
public enum StrengthTable {
    /// The file's text.
    ///
    /// Where a node's edges were chosen by strength, each of them has a line more, with the operation `left_out`: what the
    /// cell is without it.
    ///
    /// `mean_loss` is the loss sum divided by the images that it is over. Where exact pruning dropped an operation it is divided by all
    /// selection images: a lower bound, which already exceeds the mean loss of the chosen operation.
    public static func csv(_ result: SelectionResult, space: SearchSpace) -> String {
        var text = "edge,operation,beta,mean_loss,strength,complete,shards,chosen\n"
        for row in result.rows {
            // Only what was pruned has a finite sum and no strength.
            let shards = row.strength == nil ? result.shards : row.shardsEvaluated
            let images = Double(result.images) * Double(shards) / Double(max(result.shards, 1))
            let fields = [
                space.edgeName(row.edge), space.operationName(row.operation),
                row.operation == StrengthTask.leftOut ? "" : "\(row.beta)",
                "\(row.lossSum / max(images, 1))", row.strength.map { "\($0)" } ?? "",
                "\(row.complete)", "\(row.shardsEvaluated)", "\(row.chosen)",
            ]
            text += fields.joined(separator: ",") + "\n"
        }
        return text
    }
}
