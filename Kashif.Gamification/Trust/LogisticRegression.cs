namespace Kashif.Gamification.Trust;

/// <summary>A report that was decided.</summary>
/// <param name="Features">Of its reporter, before the report was filed.</param>
/// <param name="IsGood">Whether it was verified or resolved; false if it was rejected.</param>
internal readonly record struct Sample(double[] Features, bool IsGood);

/// <summary>
/// Logistic regression by Newton's method, with the same result for the same samples. By hand, because eight features need no library: the
/// sums are small and must not depend on the number of threads.
/// </summary>
internal static class LogisticRegression
{
    /// <summary>The pull towards the weights that training starts from: few samples change little.</summary>
    private const double Regularization = 5;

    private const int Steps = 50;
    private const double Precision = 1e-9;

    public static double Sigmoid(double logit) => 1 / (1 + Math.Exp(-logit));

    public static double Dot(double[] weights, double[] features)
    {
        var sum = 0.0;
        for (var index = 0; index < weights.Length; index++)
        {
            sum += weights[index] * features[index];
        }

        return sum;
    }

    /// <param name="prior">The weights to start from.</param>
    public static (double[] Weights, double Intercept) Fit(IReadOnlyList<Sample> samples, double[] prior)
    {
        var size = prior.Length;
        double[] parameters = [.. prior, FitIntercept(samples, prior)];
        for (var step = 0; step < Steps; step++)
        {
            var (gradient, hessian) = (new double[size + 1], new double[size + 1, size + 1]);
            foreach (var sample in samples)
            {
                double[] input = [.. sample.Features, 1];
                var probability = Sigmoid(Dot(parameters, input));
                var (error, curvature) = (probability - (sample.IsGood ? 1 : 0), probability * (1 - probability));
                for (var row = 0; row <= size; row++)
                {
                    gradient[row] += error * input[row];
                    for (var column = 0; column <= size; column++)
                    {
                        hessian[row, column] += curvature * input[row] * input[column];
                    }
                }
            }

            for (var row = 0; row < size; row++)
            {
                gradient[row] += Regularization * (parameters[row] - prior[row]);
                hessian[row, row] += Regularization;
            }

            hessian[size, size] += Precision; // where every sample is certain
            var change = Solve(hessian, gradient);
            for (var row = 0; row <= size; row++)
            {
                parameters[row] -= change[row];
            }

            if (change.Max(Math.Abs) < Precision)
            {
                break;
            }
        }

        return (parameters[..size], parameters[size]);
    }

    /// <returns>The intercept that fits the weights best: the city's base rate.</returns>
    public static double FitIntercept(IReadOnlyList<Sample> samples, double[] weights)
    {
        var intercept = 0.0;
        for (var step = 0; step < Steps; step++)
        {
            var (gradient, curvature) = (0.0, Precision);
            foreach (var sample in samples)
            {
                var probability = Sigmoid(Dot(weights, sample.Features) + intercept);
                gradient += probability - (sample.IsGood ? 1 : 0);
                curvature += probability * (1 - probability);
            }

            var change = Math.Clamp(gradient / curvature, -1, 1);
            intercept -= change;
            if (Math.Abs(change) < Precision)
            {
                break;
            }
        }

        return intercept;
    }

    public static double LogLoss(IReadOnlyCollection<Sample> samples, double[] weights, double intercept) => samples.Average(sample =>
    {
        var probability = Math.Clamp(Sigmoid(Dot(weights, sample.Features) + intercept), 1e-12, 1 - 1e-12);
        return -Math.Log(sample.IsGood ? probability : 1 - probability);
    });

    /// <returns>How likely a good report has a higher score than a rejected one; ties count half. NaN without one of both.</returns>
    public static double Auc(IEnumerable<Sample> samples, double[] weights)
    {
        var (good, bad, wins) = (0L, 0L, 0.0);
        foreach (var group in samples.GroupBy(sample => Dot(weights, sample.Features)).OrderBy(group => group.Key))
        {
            var goodHere = group.LongCount(sample => sample.IsGood);
            var badHere = group.LongCount() - goodHere;
            wins += goodHere * (bad + (badHere / 2.0));
            (good, bad) = (good + goodHere, bad + badHere);
        }

        return wins / (good * bad);
    }

    /// <summary>Gaussian elimination; the matrix is symmetric and positive definite, so that it needs no pivot.</summary>
    private static double[] Solve(double[,] matrix, double[] right)
    {
        var size = right.Length;
        for (var pivot = 0; pivot < size; pivot++)
        {
            for (var row = pivot + 1; row < size; row++)
            {
                var factor = matrix[row, pivot] / matrix[pivot, pivot];
                for (var column = pivot; column < size; column++)
                {
                    matrix[row, column] -= factor * matrix[pivot, column];
                }

                right[row] -= factor * right[pivot];
            }
        }

        var solution = new double[size];
        for (var row = size - 1; row >= 0; row--)
        {
            var sum = right[row];
            for (var column = row + 1; column < size; column++)
            {
                sum -= matrix[row, column] * solution[column];
            }

            solution[row] = sum / matrix[row, row];
        }

        return solution;
    }
}
